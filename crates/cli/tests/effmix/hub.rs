//! Weights by name, from a hub on this machine.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use assert_cmd::Command;
use effnet_model::candle::Device;
use effnet_model::{Arch, EfficientNet, ParameterStore, save_weights};
use serde_json::json;

use crate::setup::{Folder, read};

const REPOSITORY: &str = "timm/efficientnet_b0.ra_in1k";
pub(crate) const WEIGHTS: &str = "model.safetensors";
const CONFIG: &str = "config.json";

/// What a hub does wrong.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    None,
    /// It ends the connection in the middle of the weights.
    Truncates,
    /// It says that there is no such repository.
    Hides,
    /// It answers, but is something else.
    Talks,
    /// It refuses.
    Forbids,
    /// It sends a page in place of the weights.
    SendsPage,
    /// It says that a file's content is to be kept elsewhere.
    PointsOut,
}

/// A hub with one repository, for as long as the test runs.
pub(crate) struct Hub {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Hub {
    fn serve(files: BTreeMap<&'static str, Vec<u8>>, fault: Fault) -> Self {
        Self::with(REPOSITORY, files, fault)
    }

    /// With this repository.
    pub(crate) fn with(
        repository: &'static str,
        files: BTreeMap<&'static str, Vec<u8>>,
        fault: Fault,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), repository, &files, fault, &log);
            }
        });
        Self { address, requests }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// Answers one request and ends the connection.
fn answer(
    mut stream: TcpStream,
    repository: &str,
    files: &BTreeMap<&'static str, Vec<u8>>,
    fault: Fault,
    log: &Mutex<Vec<String>>,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(|line| line.unwrap());
    let Some(request) = lines.next() else { return };
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    log.lock().unwrap().push(request.clone());
    let path = request.split(' ').nth(1).unwrap().split('?').next().unwrap();
    let description = format!("/api/models/{repository}/revision/main");
    let (status, more, body) = if fault == Fault::Talks {
        ("200 OK", String::new(), b"<html>log in first</html>".to_vec())
    } else if fault == Fault::Hides {
        ("401 Unauthorized", String::new(), Vec::new())
    } else if fault == Fault::Forbids {
        ("403 Forbidden", String::new(), Vec::new())
    } else if !path.contains(repository) {
        ("404 Not Found", String::new(), Vec::new())
    } else if path == description {
        let siblings: Vec<_> = files
            .iter()
            .map(|(name, bytes)| {
                let sha256 = ring::digest::digest(&ring::digest::SHA256, bytes);
                let sha256: String = sha256.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
                json!({"rfilename": name, "size": bytes.len(), "lfs": {"sha256": sha256}})
            })
            .collect();
        let tags = ["timm", "license:apache-2.0"];
        let body = json!({"sha": "abc", "siblings": siblings, "tags": tags}).to_string();
        ("200 OK", String::new(), body.into_bytes())
    } else {
        let file = path.strip_prefix(&format!("/{repository}/resolve/main/")).unwrap();
        let range = headers
            .iter()
            .find_map(|header| header.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
        let (start, end) = range
            .as_deref()
            .unwrap_or("0-")
            .split_once('-')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        let etag = match fault {
            Fault::PointsOut => "../../../escaped".to_owned(),
            _ => file.replace('.', "-"),
        };
        let page = vec![b'<'; files[file].len()];
        let bytes = if fault == Fault::SendsPage && file == WEIGHTS { &page } else { &files[file] };
        let start: usize = start.parse().unwrap();
        let end = end.parse().map_or(bytes.len(), |last: usize| last + 1);
        let more = format!(
            "ETag: \"{etag}\"\r\nX-Repo-Commit: abc\r\nContent-Range: bytes {start}-{}/{}\r\n",
            end - 1,
            bytes.len()
        );
        ("206 Partial Content", more, bytes[start..end].to_vec())
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{more}Connection: close\r\n\r\n");
    let sent =
        if fault == Fault::Truncates && path.ends_with(WEIGHTS) && length > 1 { length / 2 } else { length };
    // A client that has heard enough may have gone.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..sent]));
}

/// A repository as timm's: B0 for three classes, which says nothing itself, and its config.
fn timms(folder: &Folder) -> BTreeMap<&'static str, Vec<u8>> {
    let store = ParameterStore::new(3, &Device::Cpu);
    EfficientNet::new(&Arch::by_name("b0").unwrap(), 3, store.var_builder()).unwrap();
    let path = folder.path("b0.safetensors");
    save_weights(&store, &path, &BTreeMap::new()).unwrap();
    let config = json!({
        "architecture": "efficientnet_b0",
        "num_classes": 3,
        "label_names": ["ash", "birch", "cedar"],
        "pretrained_cfg": {
            "tag": "ra_in1k", "input_size": [3, 32, 32], "interpolation": "bicubic",
            "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
        },
    });
    BTreeMap::from([(WEIGHTS, read(&path)), (CONFIG, config.to_string().into_bytes())])
}

/// A small network of an architecture, for five classes: a file that says itself what it is.
pub(crate) fn small_network(folder: &Folder, arch: &str) -> Vec<u8> {
    let store = ParameterStore::new(3, &Device::Cpu);
    let small = Arch::by_name(arch).unwrap().with_scaling(0.1, 0.1);
    EfficientNet::new(&small, 5, store.var_builder()).unwrap();
    let path = folder.path("small.safetensors");
    let metadata =
        BTreeMap::from([(effnet_model::ARCH_KEY.to_owned(), serde_json::to_string(&small).unwrap())]);
    save_weights(&store, &path, &metadata).unwrap();
    read(&path)
}

/// The program with a hub, and a cache in the folder.
pub(crate) fn effmix(folder: &Folder, hub: &str, args: &[&str]) -> Command {
    let mut command = folder.effmix(args);
    command.env("HF_HOME", folder.path("hub")).env("HF_ENDPOINT", hub);
    for other in
        ["HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN", "http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"]
    {
        command.env_remove(other);
    }
    command
}

/// Runs it; gives the exit status, stdout and stderr.
pub(crate) fn ran(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(!stderr.contains("internal error") && !stderr.contains("panicked"), "{stderr}");
    (output.status.code(), stdout, stderr)
}

const IMAGE: &str = "data/red/00.png";

#[test]
fn weights_are_fetched_once_with_what_they_are_and_then_come_from_the_cache() {
    let folder = Folder::with_images(1);
    let hub = Hub::serve(timms(&folder), Fault::None);
    let predict =
        |hub: &str, model: &str| ran(effmix(&folder, hub, &["predict", model, IMAGE, "--top", "3"]));
    let (status, first, errors) = predict(&hub.address, "imagenet");
    assert_eq!(status, Some(0), "{errors}");
    for part in [REPOSITORY, WEIGHTS, "licence apache-2.0", " MB", &folder.path("hub").display().to_string()]
    {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    assert!(["ash", "birch", "cedar"].iter().all(|class| first.contains(class)), "{first}");

    let requests = hub.requests();
    let (_, again, errors) = predict(&hub.address, &format!("hf://{REPOSITORY}"));
    assert_eq!(again, first);
    assert!(errors.starts_with("computing on") && errors.lines().count() == 1, "{errors}");
    assert_eq!(hub.requests(), requests, "nothing is asked of the hub again");
    let (_, offline, _) = ran({
        let mut command = effmix(
            &folder,
            &nobody(),
            &["predict", &format!("hf://{REPOSITORY}/{WEIGHTS}"), IMAGE, "--top", "3"],
        );
        command.env("HF_HUB_OFFLINE", "1");
        command
    });
    assert_eq!(offline, first);

    let (status, _, errors) =
        ran(effmix(&folder, &nobody(), &["predict", "imagenet", IMAGE, "--arch", "tf_efficientnet_b0"]));
    assert_eq!(status, Some(1));
    assert!(errors.contains("hf://timm/tf_efficientnet_b0.in1k"), "{errors}");
}

#[test]
fn a_training_from_the_hub_names_it_and_makes_a_new_classifier() {
    let folder = Folder::with_images(6);
    let mut files = timms(&folder);
    files.insert(WEIGHTS, small_network(&folder, "b0"));
    let hub = Hub::serve(files, Fault::None);
    let train = [
        "train",
        "data",
        "--weights",
        "imagenet",
        "--out",
        "run",
        "--size",
        "16",
        "--epochs",
        "1",
        "--batch",
        "4",
        "--freeze",
        "none",
    ];
    let (status, _, errors) = ran(effmix(&folder, &hub.address, &train));
    assert_eq!(status, Some(0), "{errors}");
    assert!(errors.contains("licence apache-2.0") && errors.contains("get a new one"), "{errors}");
    let config = String::from_utf8(read(&folder.path("run/config.toml"))).unwrap();
    assert!(config.contains(&format!("weights = \"hf://{REPOSITORY}\"")), "{config}");
}

/// An address where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn what_goes_wrong_is_said_with_what_to_do() {
    let folder = Folder::with_images(1);
    let predict = |hub: &str, model: &str, parts: &[&str]| {
        let (status, stdout, errors) = ran(effmix(&folder, hub, &["predict", model, IMAGE]));
        assert_eq!((status, stdout.as_str()), (Some(1), ""), "{errors}");
        parts.iter().for_each(|part| assert!(errors.contains(part), "{part}: {errors}"));
    };
    let whole = format!("hf://{REPOSITORY}");
    let by_hand = ["download model.safetensors and config.json from", "give the path"];
    predict(&nobody(), &whole, &[&by_hand[..], &["can't be reached"]].concat());
    predict(&Hub::serve(timms(&folder), Fault::Hides).address, &whole, &["no such repository", "HF_TOKEN"]);
    predict(&Hub::serve(timms(&folder), Fault::Talks).address, &whole, &["is no hub of models"]);
    predict("http://127.0.0.1:1", "hf://timm", &["hf://OWNER/REPO"]);
    let empty = Hub::serve(BTreeMap::from([(CONFIG, b"{}".to_vec())]), Fault::None);
    predict(&empty.address, &whole, &["has no model.safetensors or pytorch_model.bin"]);
    predict(&empty.address, &format!("{whole}/other.pth"), &["has no other.pth"]);

    let mut offline = effmix(&folder, &nobody(), &["predict", &whole, IMAGE]);
    offline.env("HF_HUB_OFFLINE", "1");
    let (_, _, errors) = ran(offline);
    assert!(errors.contains("HF_HUB_OFFLINE") && errors.contains(by_hand[0]), "{errors}");
}

#[test]
fn a_download_that_was_cut_off_is_gone_on_with() {
    let folder = Folder::with_images(1);
    let args = ["predict", "imagenet", IMAGE];
    let cut = Hub::serve(timms(&folder), Fault::Truncates);
    let (status, _, errors) = ran(effmix(&folder, &cut.address, &args));
    assert_eq!(status, Some(1), "{errors}");
    assert!(
        errors.contains("model.safetensors was not fetched whole") && errors.contains("try again"),
        "{errors}"
    );
    let whole = Hub::serve(timms(&folder), Fault::None);
    let (status, stdout, errors) = ran(effmix(&folder, &whole.address, &args));
    assert_eq!(status, Some(0), "{errors}");
    assert!(stdout.contains(IMAGE), "{stdout}");
}

#[test]
fn a_config_that_is_none_is_named() {
    let folder = Folder::with_images(1);
    let mut files = timms(&folder);
    files.insert(CONFIG, b"{\"architecture\": \"efficientnet_b0\",}".to_vec());
    let hub = Hub::serve(files, Fault::None);
    let (status, _, errors) = ran(effmix(&folder, &hub.address, &["predict", "imagenet", IMAGE]));
    assert_eq!(status, Some(1));
    assert!(errors.contains("config.json") && errors.contains("line 1"), "{errors}");
}
