//! A hub of models, asked for a repository and for files of it; and the cache of what it gave.

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
use crate::files::make_writable;
use crate::{Error, Result};

/// Files of weights by the names that repositories give them, the better one first.
const WEIGHTS: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

/// The file that names the architecture of the weights (`WeightsFile::arch` reads it).
const CONFIG: &str = "config.json";

/// A hub that has not answered a short question by then is not there.
const PATIENCE: Duration = Duration::from_secs(30);

const ENDPOINT: &str = "https://huggingface.co";

/// Tag of a repository that names its licence.
const LICENCE: &str = "license:";

/// A hub's description of a repository.
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

/// A hub's description of a large file's content.
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
    let problem = match (WeightsFile::open(&path), weights.lfs.as_ref().and_then(|lfs| lfs.sha256.as_deref()))
    {
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
        // The cache's files are named by the hub's description of them.
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

fn fallback_folder() -> PathBuf {
    env::temp_dir().join("effmix-hub")
}

fn absolute(folder: PathBuf) -> Result<PathBuf> {
    std::path::absolute(&folder).map_err(Error::io("can't find", folder))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
