//! `effmix export`: a trained model for other programs.

use std::path::Path;

use effmix::{ModelSource, read_metrics};
use effnet_model::{
    Arch, CLASSES_KEY, EfficientNet, Library, ModelCard, OPSET, SavedHeads, SavedNetworks, WeightsFile,
    save_for, save_heads_onnx, save_onnx,
};

use crate::args::{Export, ExportFormat};
use crate::failure::Failure;
use crate::output::{may_replace, may_write, print, tell};
use effmix::shown;

/// What our ONNX files begin with: the format's version, and who wrote it.
const ONNX: &[u8] = b"\x08\x08\x12\x06effmix";

pub(super) fn run(args: &Export) -> Result<(), Failure> {
    match args.format {
        ExportFormat::Onnx => may_write(&args.out, args.force, ONNX)?,
        _ => {
            may_replace(&args.out, args.force, || is_ours(&args.out))?;
            is_no_part_of(&args.out, &args.model)?;
        }
    }
    let SavedNetworks { mut card, mut networks } =
        match ModelSource::find(&args.model, args.arch.as_deref(), args.weights_key.as_deref(), &tell)? {
            ModelSource::Folder(path) => match SavedHeads::open(&path)? {
                Some(heads) => return export_heads(args, heads),
                None => SavedNetworks::open(&path)?,
            },
            ModelSource::File(file, arch) => SavedNetworks::from_weights(&file, arch.as_ref())?,
        };
    resize(&mut card.arch, args)?;
    let whose = choose(&mut networks, args)?;
    let out = args.out.display().to_string();
    let out = shown(&out);
    let library = match args.format {
        ExportFormat::Onnx => {
            let networks: Vec<EfficientNet> = networks.into_iter().map(|(network, _)| network).collect();
            save_onnx(&args.out, &card, &networks)?;
            return print(&onnx_in_words(&out, &whose, &card));
        }
        ExportFormat::Safetensors => Library::Effmix,
        ExportFormat::Timm => Library::Timm,
        ExportFormat::Torchvision => Library::Torchvision,
    };
    let [(_, store)] = &networks[..] else {
        return Err(Failure::Other("a file of weights holds one network".to_owned()));
    };
    let constructor = save_for(library, &args.out, &card, store)?;
    print(&match constructor {
        None => format!("{out}: {}{whose}\npredict with it: effmix predict {out} IMAGE...\n", card.arch.name),
        Some(constructor) => format!(
            "{out}: {}{whose}\nin Python:\n  import {}\n  model = {constructor}.eval()\n  \
             model.load_state_dict(safetensors.torch.load_file(\"{out}\"), strict=True)\n",
            card.arch.name,
            imports(&constructor)
        ),
    })
}

/// Exports classifiers on the features of several bodies, or on features of one's own.
fn export_heads(args: &Export, mut model: SavedHeads) -> Result<(), Failure> {
    if args.format != ExportFormat::Onnx {
        let problem = "the model's classifiers are on the features of several networks, or on features of one's own: no other library \
                       has such a network; --format onnx holds all of it";
        return Err(Failure::Other(problem.to_owned()));
    }
    resize(&mut model.card.arch, args)?;
    let whose = choose(&mut model.heads, args)?;
    save_heads_onnx(&args.out, &model)?;
    let out = args.out.display().to_string();
    print(&onnx_in_words(&shown(&out), &whose, &model.card))
}

/// The size that was asked for.
fn resize(arch: &mut Arch, args: &Export) -> Result<(), Failure> {
    if let Some(size) = args.size {
        *arch = arch.clone().with_size(usize::from(size));
        arch.check()?;
    }
    Ok(())
}

/// Leaves the network that is exported, or all of them, and says which.
fn choose<T>(networks: &mut Vec<T>, args: &Export) -> Result<String, Failure> {
    let count = networks.len();
    let chosen = match (args.net, args.format) {
        (Some(net), _) if usize::from(net) > count => {
            return Err(Failure::Usage(format!("--net: {net}, but the model has {count} network(s)")));
        }
        (Some(net), _) => Some((usize::from(net) - 1, "as asked for".to_owned())),
        (None, ExportFormat::Onnx) => None,
        (None, _) => (count > 1).then(|| better_half(&args.model, count)),
    };
    let Some((index, why)) = chosen else {
        return Ok(match count {
            1 => String::new(),
            count => format!(", the mean of {count} networks"),
        });
    };
    *networks = vec![networks.swap_remove(index)];
    Ok(format!(", network {} of {count} ({why})", index + 1))
}

fn onnx_in_words(out: &str, whose: &str, card: &ModelCard) -> String {
    let Arch { size, channels, .. } = card.arch;
    let input = match card.features {
        Some(length) => format!("features, f32 [N, {length}]"),
        None => format!("images, f32 [N, {channels}, {size}, {size}], normalised as its metadata say"),
    };
    let classes = card.classes.len();
    format!("{out}: ONNX, opset {OPSET}{whose}\ninput   {input}\noutput  logits, f32 [N, {classes}]\n")
}

/// Refuses an output that is a network of the model itself.
fn is_no_part_of(out: &Path, model: &Path) -> Result<(), Failure> {
    let (Ok(out), Ok(model)) = (out.canonicalize(), model.canonicalize()) else { return Ok(()) };
    let in_folder = |folder: &Path| folder.join("model.json").is_file() && out.parent() == Some(folder);
    if out == model || in_folder(&model) || in_folder(&model.join("model")) {
        let problem = format!("--out: {} is a part of the model itself; choose another file", out.display());
        return Err(Failure::Usage(problem));
    }
    Ok(())
}

/// Whether the weights record their classes, as those that this program writes do.
fn is_ours(path: &Path) -> bool {
    let metadata = WeightsFile::open(path).and_then(|file| file.metadata());
    metadata.is_ok_and(|metadata| metadata.contains_key(CLASSES_KEY))
}

/// The network with the highest test accuracy after the last epoch, counted from 0, and how that is known.
fn better_half(model: &Path, count: usize) -> (usize, String) {
    let unknown = || (0, "nothing says which is better; choose by --net".to_owned());
    let beside = [model.join("metrics.jsonl"), model.join("../metrics.jsonl")];
    let Some(metrics) = beside.iter().find(|path| path.is_file()) else { return unknown() };
    let Ok(records) = read_metrics(metrics) else { return unknown() };
    let last = records.iter().map(|record| record.epoch).max();
    let of_last = records.iter().filter(|record| Some(record.epoch) == last && record.network <= count);
    let measured = of_last.filter_map(|record| Some((record.network, record.network_test_accuracy?)));
    match measured.reduce(|best, next| if next.1 > best.1 { next } else { best }) {
        Some((network, accuracy)) => {
            (network - 1, format!("the better on the test images, {:.1} %", 100.0 * accuracy))
        }
        None => unknown(),
    }
}

fn imports(constructor: &str) -> String {
    let modules = [
        ("functools.", "functools"),
        ("timm.", "timm"),
        ("torch.nn", "torch"),
        ("torchvision.", "torchvision"),
    ];
    let used = modules.into_iter().filter(|(used, _)| constructor.contains(used)).map(|(_, module)| module);
    used.chain(["safetensors.torch"]).collect::<Vec<_>>().join(", ")
}
