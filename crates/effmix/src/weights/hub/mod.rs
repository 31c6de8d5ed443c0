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
pub(crate) fn lasting(weights: &Path, arch: Option<&str>) -> Result<PathBuf> {
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

/// The parts of `hf://OWNER/REPO[/FILE]`.
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
mod client;
#[cfg(feature = "hub")]
use client::{fetch, in_cache};

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
