//! Weights by a name instead of a path: `imagenet`, and `hf://OWNER/REPO[/FILE]`, fetched from a hub of models once.
//!
//! The cache is the one that every program for such hubs shares, and so are the variables of the environment: `HF_HUB_CACHE` or
//! `HF_HOME` (where it is), `HF_ENDPOINT` (which hub), `HF_TOKEN` (who asks), `HF_HUB_OFFLINE` (nothing is fetched).

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The usual ImageNet weights of an architecture.
const IMAGENET: &str = "imagenet";

/// What a name of a file on the hub begins with.
const HUB: &str = "hf://";

/// The architecture that `imagenet` alone means.
const DEFAULT: &str = "efficientnet_b0";

/// timm's repositories of ImageNet weights, `timm/ARCH.TAG`: of each architecture the ones that timm loads or its authors
/// recommend, trained on the 1000 classes alone where there are such. All are under Apache 2.0.
const USUAL: [(&str, &str); 20] = [
    ("efficientnet_b0", "ra_in1k"),
    ("efficientnet_b1", "ft_in1k"),
    ("efficientnet_b2", "ra_in1k"),
    ("efficientnet_b3", "ra2_in1k"),
    ("efficientnet_b4", "ra2_in1k"),
    ("efficientnet_b5", "sw_in12k_ft_in1k"),
    ("efficientnet_lite0", "ra_in1k"),
    ("tf_efficientnet_b0", "in1k"),
    ("tf_efficientnet_b1", "in1k"),
    ("tf_efficientnet_b2", "in1k"),
    ("tf_efficientnet_b3", "in1k"),
    ("tf_efficientnet_b4", "in1k"),
    ("tf_efficientnet_b5", "in1k"),
    ("tf_efficientnet_b6", "aa_in1k"),
    ("tf_efficientnet_b7", "aa_in1k"),
    ("tf_efficientnet_lite0", "in1k"),
    ("tf_efficientnet_lite1", "in1k"),
    ("tf_efficientnet_lite2", "in1k"),
    ("tf_efficientnet_lite3", "in1k"),
    ("tf_efficientnet_lite4", "in1k"),
];

/// A name of weights that holds wherever a run is gone on with: a path made absolute, `imagenet` as the repository that it means for
/// the architecture.
pub(super) fn lasting(weights: &Path, arch: Option<&str>) -> Result<PathBuf> {
    if weights == Path::new(IMAGENET) {
        return usual(arch.unwrap_or(DEFAULT)).map(PathBuf::from);
    }
    if on_hub(weights).is_some() {
        return Ok(weights.to_owned());
    }
    std::path::absolute(weights).map_err(Error::io("can't find", weights))
}

/// The path of weights: of `imagenet` and `hf://OWNER/REPO[/FILE]`, in the cache, where they are put if they are not there.
/// `tell` gets a sentence before anything large is fetched: what, under which licence, how much, to where.
///
/// # Errors
/// [`Error::Hub`] with what to do: a name that is none, a hub that can't be reached or doesn't have it, a file that comes
/// incomplete.
pub fn locate(weights: &Path, arch: Option<&str>, tell: &dyn Fn(&str)) -> Result<PathBuf> {
    let name = lasting(weights, arch)?;
    match on_hub(&name) {
        None => Ok(weights.to_owned()),
        Some(name) => fetch(&Name::parse(name)?, tell),
    }
}

/// Whether a name of weights is a path.
pub(super) fn on_disk(weights: &Path) -> bool {
    weights != Path::new(IMAGENET) && on_hub(weights).is_none()
}

fn on_hub(weights: &Path) -> Option<&str> {
    weights.to_str().filter(|name| name.starts_with(HUB))
}

/// The path of weights in the cache; nothing where they are not there, or are not on a hub.
///
/// # Errors
/// [`Error::Hub`] for a name that is none.
pub(super) fn cached(name: &Path) -> Result<Option<PathBuf>> {
    match on_hub(name) {
        Some(name) => in_cache(&Name::parse(name)?),
        None => Ok(None),
    }
}

/// The name of the repository with the usual ImageNet weights of an architecture.
pub(super) fn usual(arch: &str) -> Result<String> {
    let name = effnet_model::Arch::by_name(arch)?.name;
    match USUAL.iter().find(|(arch, _)| *arch == name) {
        Some((arch, tag)) => Ok(format!("{HUB}timm/{arch}.{tag}")),
        None => Err(Error::Hub {
            name: IMAGENET.to_owned(),
            problem: format!(
                "there are no usual weights of {name}; there are of {}",
                USUAL.map(|(arch, _)| arch).join(", ")
            ),
        }),
    }
}

/// What `hf://OWNER/REPO[/FILE]` says.
#[derive(Debug, PartialEq)]
struct Name<'a> {
    whole: &'a str,
    repository: String,
    file: Option<&'a str>,
}

impl<'a> Name<'a> {
    fn parse(whole: &'a str) -> Result<Self> {
        let mut parts = whole.trim_start_matches(HUB).splitn(3, '/');
        let (owner, repository, file) = (parts.next(), parts.next(), parts.next());
        let plain = |part: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !part.is_empty() && part.chars().all(allowed) && part.chars().any(|c| c != '.')
        };
        match (owner, repository) {
            (Some(owner), Some(repository))
                if plain(owner)
                    && plain(repository)
                    && file.is_none_or(|file| file.split('/').all(plain)) =>
            {
                Ok(Self { whole, repository: format!("{owner}/{repository}"), file })
            }
            _ => Err(Error::Hub {
                name: whole.to_owned(),
                problem: format!("is not of the form {HUB}OWNER/REPO or {HUB}OWNER/REPO/FILE"),
            }),
        }
    }

    fn failed(&self, problem: impl std::fmt::Display) -> Error {
        Error::Hub { name: self.whole.to_owned(), problem: problem.to_string() }
    }
}

#[cfg(not(feature = "hub"))]
fn fetch(name: &Name<'_>, _: &dyn Fn(&str)) -> Result<PathBuf> {
    let Name { repository, file, .. } = name;
    let what = file.unwrap_or("the weights");
    Err(name.failed(format!(
        "this program was built without access to the hub (feature `hub`); download {what} of {repository} and give their path"
    )))
}

#[cfg(not(feature = "hub"))]
#[allow(clippy::unnecessary_wraps, reason = "with the hub, a name can be wrong")]
fn in_cache(_: &Name<'_>) -> Result<Option<PathBuf>> {
    Ok(None)
}

#[cfg(feature = "hub")]
use client::{fetch, in_cache};

#[cfg(feature = "hub")]
mod client {
    use std::env;
    use std::fs::File;
    use std::io::Read;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use effnet_model::WeightsFile;
    use hf_hub::api::sync::{Api, ApiBuilder, ApiRepo};
    use hf_hub::{Cache, Repo};
    use ring::digest::{Context, SHA256};
    use serde::Deserialize;

    use super::Name;
    use crate::{Error, Result};

    /// Files of weights by the names that repositories give them, the better one first.
    const WEIGHTS: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

    /// What says which architecture the weights are for (`WeightsFile::arch` reads it).
    const CONFIG: &str = "config.json";

    /// A hub that has not answered a short question by then is not there.
    const PATIENCE: Duration = Duration::from_secs(30);

    const ENDPOINT: &str = "https://huggingface.co";

    /// Tag of a repository that says its licence.
    const LICENCE: &str = "license:";

    /// What a hub says of a repository.
    #[derive(Deserialize)]
    struct Description {
        siblings: Vec<Sibling>,
        #[serde(default)]
        tags: Vec<String>,
    }

    /// A file of a repository.
    #[derive(Deserialize)]
    struct Sibling {
        rfilename: String,
        /// Bytes.
        size: Option<u64>,
        /// Of a large file.
        lfs: Option<Large>,
    }

    /// What a hub says of the content of a large file.
    #[derive(Deserialize)]
    struct Large {
        /// In hexadecimal digits.
        sha256: Option<String>,
    }

    pub(super) fn fetch(name: &Name<'_>, tell: &dyn Fn(&str)) -> Result<PathBuf> {
        if let Some(path) = in_cache(name)? {
            return Ok(path);
        }
        let wanted = wanted(name);
        let cache = Cache::new(writable_folder(name, tell)?);
        let hub = Hub::new(name, &cache)?;
        tell(&format!("asking {} for {}", hub.endpoint, name.repository));
        let description = hub.description()?;
        let size = |file: &str| description.siblings.iter().find(|sibling| sibling.rfilename == file);
        let Some(weights) = wanted.iter().find_map(|file| size(file)) else {
            let problem =
                format!("the repository has no {}; give the file: {}/FILE", wanted.join(" or "), name.whole);
            return Err(name.failed(problem));
        };
        let licence = description.tags.iter().find_map(|tag| tag.strip_prefix(LICENCE));
        tell(&format!(
            "fetching {} of {} ({}, licence {}) into {}",
            weights.rfilename,
            name.repository,
            weights.size.map_or("size unknown".to_owned(), |size| format!("{:.1} MB", size as f64 / 1e6)),
            licence.map_or_else(|| "not stated".to_owned(), printable),
            cache.path().display()
        ));
        if let Some(config) = size(&beside(&weights.rfilename)) {
            hub.get(config)?;
        }
        let path = hub.get(weights)?;
        // What is no such file, such as a page that asks to log in, must not stay for the next run.
        let problem =
            match (WeightsFile::open(&path), weights.lfs.as_ref().and_then(|lfs| lfs.sha256.as_deref())) {
                (Err(error), _) => error.to_string(),
                (Ok(_), Some(expected)) if !sha256(&path)?.eq_ignore_ascii_case(expected) => {
                    "its SHA-256 is not the hub's".to_owned()
                }
                _ => return Ok(path),
            };
        remove(&path)?;
        Err(name.failed(format!(
            "{} sent something else in place of {}, which was removed: {problem}; try again, or {}",
            hub.endpoint,
            weights.rfilename,
            by_hand(name, &hub.endpoint)
        )))
    }

    /// A hub's word without characters that would move a terminal's cursor.
    fn printable(text: &str) -> String {
        text.chars().filter(|c| !c.is_control()).take(60).collect()
    }

    /// SHA-256 of a file's content, in hexadecimal digits.
    fn sha256(path: &Path) -> Result<String> {
        let failed = || Error::io("can't read", path);
        let mut file = File::open(path).map_err(failed())?;
        let mut context = Context::new(&SHA256);
        let mut piece = vec![0; 1 << 20];
        loop {
            match file.read(&mut piece).map_err(failed())? {
                0 => break,
                read => context.update(&piece[..read]),
            }
        }
        Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The files that may hold the weights, the better one first.
    fn wanted<'a>(name: &'a Name<'_>) -> Vec<&'a str> {
        name.file.map_or(WEIGHTS.to_vec(), |file| vec![file])
    }

    /// The path of the weights in the cache, if they are there. Weights are fetched last: where they are, all is.
    pub(super) fn in_cache(name: &Name<'_>) -> Result<Option<PathBuf>> {
        for folder in [cache_folder(name)?, fallback_folder()] {
            let cached = Cache::new(folder).repo(Repo::model(name.repository.clone()));
            if let Some(path) = wanted(name).iter().find_map(|file| cached.get(file)) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Removes a file of the cache: both the name and what it points to, so that the next try fetches it.
    fn remove(path: &Path) -> Result<()> {
        let content = path.canonicalize().map_err(Error::io("can't find", path))?;
        for wrong in [path, &content] {
            if wrong.symlink_metadata().is_ok() {
                std::fs::remove_file(wrong).map_err(Error::io("can't remove", wrong))?;
            }
        }
        Ok(())
    }

    /// The name of the config beside a file.
    fn beside(file: &str) -> String {
        Path::new(file).with_file_name(CONFIG).to_string_lossy().replace('\\', "/")
    }

    /// A hub, asked for a repository.
    struct Hub<'a> {
        name: &'a Name<'a>,
        endpoint: String,
        api: Api,
        repository: ApiRepo,
    }

    impl<'a> Hub<'a> {
        fn new(name: &'a Name<'a>, cache: &Cache) -> Result<Self> {
            let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
            let offline = variable("HF_HUB_OFFLINE")
                .is_some_and(|value| ["1", "true", "yes", "on"].contains(&value.to_lowercase().as_str()));
            if offline {
                let problem = format!(
                    "is not in the cache ({}), and HF_HUB_OFFLINE forbids fetching it",
                    cache.path().display()
                );
                return Err(name.failed(format!("{problem}; unset that, or {}", by_hand(name, &endpoint))));
            }
            let api = ApiBuilder::from_cache(cache.clone())
                .with_endpoint(endpoint.trim_end_matches('/').to_owned())
                .with_token(variable("HF_TOKEN").or_else(|| cache.token()))
                .with_progress(false)
                .build()
                .map_err(|e| name.failed(e))?;
            let repository = api.model(name.repository.clone());
            Ok(Self { name, endpoint, api, repository })
        }

        fn description(&self) -> Result<Description> {
            let request = self.repository.info_request().query("blobs", "true");
            let mut response = request
                .config()
                .http_status_as_error(false)
                .timeout_global(Some(PATIENCE))
                .build()
                .call()
                .map_err(|e| self.unreachable(&e))?;
            match response.status().as_u16() {
                200 => response
                    .body_mut()
                    .read_json()
                    .map_err(|e| self.name.failed(format!("{} is no hub of models: {e}", self.endpoint))),
                401 | 403 | 404 => Err(self.name.failed(format!(
                    "{} shows no such repository; is the name right? A private or gated one needs a token in HF_TOKEN",
                    self.endpoint
                ))),
                status => Err(self.unreachable(&format!("status {status}"))),
            }
        }

        /// A file's path in the cache, fetched if it is not there.
        fn get(&self, file: &Sibling) -> Result<PathBuf> {
            let Sibling { rfilename, size, .. } = file;
            // The cache's files are named by what the hub says of them.
            if let Ok(metadata) = self.api.metadata(&self.repository.url(rfilename)) {
                let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
                if ![metadata.etag(), metadata.commit_hash()].into_iter().all(plain) {
                    return Err(self.name.failed(format!(
                        "{} says of {rfilename} what no hub of models does (its ETag or commit is no plain word)",
                        self.endpoint
                    )));
                }
            }
            let path = self.repository.get(rfilename).map_err(|e| {
                self.name.failed(format!(
                    "{rfilename} was not fetched whole: {e}; try again, which goes on where this stopped, or {}",
                    by_hand(self.name, &self.endpoint)
                ))
            })?;
            let found = path.metadata().map_err(Error::io("can't read", &path))?.len();
            if size.is_none_or(|size| size == found) {
                return Ok(path);
            }
            remove(&path)?;
            let size = size.unwrap_or_default();
            Err(self.name.failed(format!("{rfilename} came with {found} bytes of {size}; try again")))
        }

        fn unreachable(&self, reason: &dyn std::fmt::Display) -> Error {
            let Self { name, endpoint, .. } = self;
            name.failed(format!(
                "{endpoint} can't be reached: {reason}; try again, or {}",
                by_hand(name, endpoint)
            ))
        }
    }

    /// How to do without us.
    fn by_hand(name: &Name<'_>, endpoint: &str) -> String {
        let file = name.file.unwrap_or(WEIGHTS[0]);
        let config = beside(file);
        format!(
            "download {file} and {config} from {endpoint}/{} into a folder, and give the path of the former",
            name.repository
        )
    }

    /// Where the cache of hubs is, as their own programs look for it.
    fn cache_folder(name: &Name<'_>) -> Result<PathBuf> {
        if let Some(folder) = variable("HF_HUB_CACHE") {
            return absolute(folder.into());
        }
        let home = match (variable("HF_HOME"), variable("XDG_CACHE_HOME"), dirs::home_dir()) {
            (Some(home), ..) => PathBuf::from(home),
            (None, Some(caches), _) => PathBuf::from(caches).join("huggingface"),
            (None, None, Some(home)) => home.join(".cache/huggingface"),
            (None, None, None) => {
                return Err(name.failed("there is no home folder for the cache; set HF_HOME to a folder"));
            }
        };
        absolute(home.join("hub"))
    }

    /// The cache's folder, or where it can't be written to a folder among the temporary files, with a warning.
    fn writable_folder(name: &Name<'_>, tell: &dyn Fn(&str)) -> Result<PathBuf> {
        let folder = cache_folder(name)?;
        let Err(error) = make_writable(&folder) else { return Ok(folder) };
        let fallback = fallback_folder();
        tell(&format!(
            "warning: can't write to the cache {} ({error}; set HF_HOME to another folder); what is fetched goes to {}, \
             which the system may remove",
            folder.display(),
            fallback.display()
        ));
        make_writable(&fallback).map_err(Error::io("can't write to", &fallback))?;
        Ok(fallback)
    }

    fn make_writable(folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        tempfile::tempfile_in(folder).map(|_| ())
    }

    fn fallback_folder() -> PathBuf {
        env::temp_dir().join("effmix-hub")
    }

    fn absolute(folder: PathBuf) -> Result<PathBuf> {
        std::path::absolute(&folder).map_err(Error::io("can't find", folder))
    }

    fn variable(name: &str) -> Option<String> {
        env::var(name).ok().filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_an_owner_a_repository_and_perhaps_a_file() {
        let parse = |whole| Name::parse(whole).map(|name| (name.repository, name.file));
        assert_eq!(parse("hf://timm/x.y_in1k").unwrap(), ("timm/x.y_in1k".to_owned(), None));
        assert_eq!(parse("hf://a/b/c/d.pth").unwrap(), ("a/b".to_owned(), Some("c/d.pth")));
        for wrong in
            ["hf://", "hf://a", "hf://a/", "hf:///b", "hf://a/b/", "hf://../b", "hf://a/b/../c", "hf://a/b?c"]
        {
            let text = parse(wrong).unwrap_err().to_string();
            assert!(text.contains(wrong) && text.contains("hf://OWNER/REPO"), "{text}");
        }
    }

    #[test]
    fn imagenet_means_a_repository_of_the_architecture() {
        let name = |arch| lasting(Path::new("imagenet"), arch).map(|name| name.display().to_string());
        assert_eq!(name(None).unwrap(), "hf://timm/efficientnet_b0.ra_in1k");
        assert_eq!(name(Some("b3")).unwrap(), "hf://timm/efficientnet_b3.ra2_in1k");
        assert_eq!(name(Some("tf_efficientnet_b7")).unwrap(), "hf://timm/tf_efficientnet_b7.aa_in1k");
        assert!(name(Some("b7")).unwrap_err().to_string().contains("tf_efficientnet_b7"));
        assert!(name(Some("resnet50")).unwrap_err().to_string().contains("resnet50"));
        let file = lasting(Path::new("w.pth"), None).unwrap();
        assert!(file.is_absolute() && file.ends_with("w.pth"));
    }

    #[test]
    fn every_usual_repository_is_of_an_architecture() {
        for (arch, _) in USUAL {
            assert_eq!(effnet_model::Arch::by_name(arch).unwrap().name, arch);
        }
    }
}
