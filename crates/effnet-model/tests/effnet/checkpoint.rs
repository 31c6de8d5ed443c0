//! Checkpoints as training scripts write them: the weights are found wherever they are, and what was taken is said.

use effnet_model::{Error, WeightsFile};
use zip::CompressionMethod;

use crate::formula;
use crate::pth::{Entry, Pickle, WEIGHT, both, legacy, safetensors, storages, zipped};

/// The names of a stem and a block of each library's.
const TIMM: [&str; 2] = ["conv_stem.weight", "blocks.0.0.conv_dw.weight"];
const TORCHVISION: [&str; 2] = ["features.0.0.weight", "features.1.0.block.0.0.weight"];
const LUKEMELAS: [&str; 2] = ["_conv_stem.weight", "_blocks.0._depthwise_conv.weight"];

/// One element of the storage of `WEIGHT`, so that a file may hold several networks: which one is told by the values.
const ONE: Entry<'_> = Entry { offset: 0, shape: &[1], strides: &[1], ..WEIGHT };

/// Puts a dictionary of tensors with this value under these names on the stack.
fn dict(p: Pickle, names: &[&str], prefix: &str, value: usize) -> Pickle {
    let p = p.op(b"}(");
    let put =
        |p: Pickle, name: &&str| p.text(&format!("{prefix}{name}")).tensor(&Entry { offset: value, ..ONE });
    names.iter().fold(p, put).op(b"u")
}

/// A pickled dictionary: `items` puts keys and values.
fn checkpoint(items: impl FnOnce(Pickle) -> Pickle) -> Vec<u8> {
    items(Pickle::new().op(b"}(")).op(b"u").stop()
}

/// The names and the value that are taken of a file, and what is said.
fn taken(bytes: &[u8], key: Option<&str>) -> Result<(Vec<String>, f32, String), Error> {
    let folder = formula::scratch();
    let path = folder.path().join("checkpoint.pth");
    std::fs::write(&path, bytes).unwrap();
    let file = WeightsFile::open_key(&path, key)?;
    let names: Vec<String> = file.shapes().map(|(name, _)| name.to_owned()).collect();
    let value = file.values(&names[0])?[0];
    Ok((names, value, file.taken().unwrap_or_default()))
}

/// Both formats of a pickle are read alike.
fn taken_of(object: &[u8], key: Option<&str>) -> Result<(Vec<String>, f32, String), Error> {
    let [old, new] = both(object, &storages()[..1]);
    let (one, other) = (taken(&old, key), taken(&new, key));
    assert_eq!(one.as_ref().ok(), other.as_ref().ok());
    other
}

fn found(object: &[u8], key: Option<&str>) -> (Vec<String>, f32, String) {
    taken_of(object, key).unwrap()
}

#[test]
fn weights_are_found_under_any_key_in_any_layout() {
    for names in [TIMM, TORCHVISION, LUKEMELAS] {
        let mut sorted = names.map(str::to_owned).to_vec();
        sorted.sort();
        for key in ["state_dict", "model", "net", "ema", "model_state_dict", "module", "what I called it"] {
            let object = checkpoint(|p| dict(p.text("epoch").int(3).text(key), &names, "", 2));
            let (found, value, text) = found(&object, None);
            assert_eq!((found, value), (sorted.clone(), 2.0), "{key}");
            assert_eq!(text, format!("weights: {key} of checkpoint.pth"));
        }
    }
}

#[test]
fn weights_are_found_levels_below_and_in_lists() {
    let two = checkpoint(|p| dict(p.text("a").op(b"}").text("b"), &TIMM, "", 1).op(b"s"));
    assert_eq!(found(&two, None).2, "weights: a.b of checkpoint.pth");
    let three =
        checkpoint(|p| dict(p.text("a").op(b"}").text("b").op(b"}").text("c"), &TIMM, "", 1).op(b"ss"));
    assert_eq!(found(&three, None).2, "weights: a.b.c of checkpoint.pth");
    let list = dict(Pickle::new().op(b"](N"), &TIMM, "", 1).op(b"e").stop();
    assert_eq!(found(&list, None).2, "weights: 1 of checkpoint.pth");
}

#[test]
fn prefixes_are_taken_off_whatever_put_them_there() {
    for prefix in
        ["module.", "_orig_mod.", "model.", "net.", "backbone.", "module._orig_mod.model.", "0.", "my net."]
    {
        let flat = dict(Pickle::new(), &TIMM, prefix, 1).stop();
        let (names, _, text) = found(&flat, None);
        assert_eq!(names, [TIMM[1], TIMM[0]]);
        assert_eq!(text, format!("weights: checkpoint.pth, prefix {prefix} removed"));
        let wrapped = checkpoint(|p| dict(p.text("state_dict"), &TIMM, prefix, 1));
        assert_eq!(
            found(&wrapped, None).2,
            format!("weights: state_dict of checkpoint.pth, prefix {prefix} removed")
        );
    }
    // A name that ends as the stem's does is no prefix.
    let other = dict(Pickle::new(), &["my_conv_stem.weight"], "", 1).stop();
    assert_eq!(found(&other, None).0, ["my_conv_stem.weight"]);
}

#[test]
fn prefixes_of_safetensors_are_taken_off_too() {
    let numbers = [3f32, 4.0].map(f32::to_le_bytes);
    let tensors = |prefix: &str, number: usize| TIMM.map(|name| (format!("{prefix}{name}"), numbers[number]));
    let file = |tensors: &[(String, [u8; 4])]| {
        let plain: Vec<_> =
            tensors.iter().map(|(name, bytes)| (name.as_str(), "F32", &[1][..], &bytes[..])).collect();
        safetensors(&plain)
    };
    let (names, _, text) = taken(&file(&tensors("module.model.", 0)), None).unwrap();
    assert_eq!(names, [TIMM[1], TIMM[0]]);
    assert_eq!(text, "weights: checkpoint.pth, prefix module.model. removed");
    let both = file(&[tensors("ema.", 0), tensors("model.", 1)].concat());
    let (_, value, text) = taken(&both, None).unwrap();
    assert_eq!(value, 4.0);
    assert!(text.ends_with("; averaged weights are there under ema (--weights-key ema)"), "{text}");
    assert_eq!(taken(&both, Some("ema")).unwrap().1, 3.0);
    assert_eq!(taken(&file(&tensors("", 0)), None).unwrap().2, "", "bare weights are nothing to speak of");
}

#[test]
fn plain_weights_are_taken_and_averaged_ones_on_request() {
    for averaged in ["state_dict_ema", "model_ema", "ema", "emaModel", "swa_state", "teacher", "avg-model"] {
        let object =
            checkpoint(|p| dict(dict(p.text(averaged), &TIMM, "", 5).text("state_dict"), &TIMM, "", 1));
        let (_, value, text) = found(&object, None);
        assert_eq!(value, 1.0, "{averaged}");
        let other = format!("averaged weights are there under {averaged} (--weights-key {averaged})");
        assert_eq!(text, format!("weights: state_dict of checkpoint.pth; {other}"));
        let (_, value, text) = found(&object, Some(averaged));
        assert_eq!(value, 5.0);
        assert!(
            text.starts_with(&format!("weights: {averaged} of checkpoint.pth; other weights are there")),
            "{text}"
        );
    }
    // Two that are alike: the first, and the other is named. An optimiser's copies are none.
    let nets = checkpoint(|p| {
        let p = dict(p.text("optimizer").op(b"}").text("exp_avg"), &TIMM, "", 3).op(b"s");
        dict(dict(p.text("net2"), &TIMM, "", 5).text("net1"), &TIMM, "", 1)
    });
    let (_, value, text) = found(&nets, None);
    assert_eq!(
        (value, text.as_str()),
        (5.0, "weights: net2 of checkpoint.pth; other weights are there under net1 (--weights-key net1)")
    );
    assert_eq!(found(&nets, Some("net1")).1, 1.0);
    assert_eq!(found(&nets, Some("optimizer.exp_avg")).1, 3.0);
}

#[test]
fn a_key_may_be_dotted_and_a_wrong_one_is_shown_the_right_ones() {
    let object = checkpoint(|p| {
        let p = p.text("state_dict").op(b"}(");
        let put = |p: Pickle, name: String, offset| p.text(&name).tensor(&Entry { offset, ..ONE });
        let p = TIMM.iter().fold(p, |p, name| put(p, format!("model.{name}"), 1));
        let p = TIMM.iter().fold(p, |p, name| put(p, format!("model_ema.module.{name}"), 5));
        put(p, "criterion.weight".to_owned(), 2).op(b"u")
    });
    let (names, value, text) = found(&object, None);
    assert_eq!((names.len(), value), (2, 1.0));
    assert!(text.contains("prefix model. removed, 1 other tensor is left out (criterion.weight)"), "{text}");
    assert!(text.contains("under state_dict.model_ema.module (--weights-key "), "{text}");
    for key in ["state_dict.model_ema.module", "state_dict.model_ema", "model_ema", "model_ema."] {
        assert_eq!(found(&object, Some(key)).1, 5.0, "{key}");
    }
    assert_eq!(found(&object, Some("state_dict")).1, 1.0);
    for key in ["ema", "state", "optimizer", "", "model_em"] {
        let error = taken_of(&object, Some(key)).unwrap_err();
        assert!(matches!(error, Error::NoSuchKey { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("--weights-key can be state_dict.model, state_dict.model_ema.module"),
            "{text}"
        );
    }
    let bare = dict(Pickle::new(), &TIMM, "", 1).stop();
    let text = taken_of(&bare, Some("state_dict")).unwrap_err().to_string();
    assert!(text.contains("leave --weights-key out"), "{text}");
}

/// Puts an object of this class with these attributes on the stack, as protocol 2 does.
fn object(p: Pickle, class: (&str, &str), attributes: impl FnOnce(Pickle) -> Pickle) -> Pickle {
    attributes(p.global(class.0, class.1).op(b")\x81}(")).op(b"ub")
}

/// A module with these parameters and `inner` modules.
fn module(p: Pickle, names: &[&str], value: usize, inner: impl FnOnce(Pickle) -> Pickle) -> Pickle {
    object(p, ("my.net", "Net"), |p| {
        let p = p.text("training").op(&[0x89]).text("hook").global("my.net", "hook");
        let p = dict(p.text("_parameters"), names, "", value);
        let p = p.text("_buffers").op(b"}").text("_modules").op(b"}(");
        inner(p).op(b"u")
    })
}

#[test]
fn the_parameters_of_a_whole_pickled_module_are_taken() {
    let whole = |p: Pickle, value| {
        module(p, &[], value, |p| {
            let p = module(p.text("conv_stem"), &["weight"], value, |p| p);
            let dw = |p: Pickle| module(p.text("conv_dw"), &["weight"], value, |p| p);
            let block = |p: Pickle| module(p.text("0"), &[], value, dw);
            module(p.text("blocks"), &[], value, |p| module(p.text("0"), &[], value, block))
        })
    };
    let (names, _, text) = found(&whole(Pickle::new(), 1).stop(), None);
    assert_eq!(names, [TIMM[1], TIMM[0]]);
    assert_eq!(text, "weights: the parameters of the pickled my.net.Net in checkpoint.pth");
    let inside = checkpoint(|p| whole(whole(p.text("ema"), 5).text("model"), 1));
    let (_, value, text) = found(&inside, None);
    assert_eq!(value, 1.0);
    assert!(
        text.starts_with(
            "weights: model of checkpoint.pth, the parameters of the pickled my.net.Net; averaged"
        ),
        "{text}"
    );
    assert_eq!(found(&inside, Some("ema")).1, 5.0);
    // The old format names a module's class by a persistent id, with its source.
    let source = whole(Pickle::new(), 1).stop();
    let class = Pickle::new().global("my.net", "Net").0;
    let id = Pickle::new()
        .op(b"(")
        .text("module")
        .op(&class[2..])
        .text("net.py")
        .text("class Net: ...")
        .op(b"tQ")
        .0;
    let at = source.windows(class.len() - 2).position(|w| w == &class[2..]).unwrap();
    let named = [&source[..at], &id[2..], &source[at + class.len() - 2..]].concat();
    assert_eq!(found(&named, None).0, [TIMM[1], TIMM[0]]);
    // A module inside itself, and one that is nested without end.
    let own = object(Pickle::new(), ("a", "B"), |p| {
        p.op(b"q\x07").text("_parameters").op(b"}").text("_modules").op(b"}").text("me").op(b"h\x07s")
    });
    assert!(taken_of(&own.stop(), None).is_err());
    let deep = (0..500).fold(Pickle::new(), |p, _| {
        p.global("a", "B").op(b")\x81}(").text("_parameters").op(b"}").text("_modules").op(b"}").text("x")
    });
    assert!(taken_of(&deep.op(b"N").op(&b"sub".repeat(500)).stop(), None).is_err());
}

#[test]
fn what_else_a_checkpoint_holds_is_passed_over() {
    let weights = |p: Pickle| dict(p.text("state_dict"), &TIMM, "", 1);
    let args = |p: Pickle| {
        object(p.text("args"), ("argparse", "Namespace"), |p| p.text("lr").op(b"G?\xf0\0\0\0\0\0\0"))
    };
    type Put = fn(Pickle) -> Pickle;
    let others: [Put; 16] = [
        |p| p.global("pathlib", "PosixPath").op(b"(").text("/").text("x").op(b"tR"),
        |p| p.global("torch", "device").text("cuda").op(b"\x85R"),
        |p| p.global("torch", "float16"),
        |p| p.global("my", "Color").op(b"K\x01\x85R"),
        |p| {
            p.global("collections", "defaultdict").global("builtins", "list").op(b"\x85R").text("a").op(b"]s")
        },
        |p| p.global("collections", "Counter").op(b"}\x85R"),
        |p| p.global("collections", "deque").op(b")R(K\x01K\x02e"),
        |p| p.global("builtins", "set").op(b"](K\x01e\x85R"),
        |p| p.op(b"\x8f(K\x01K\x02\x90"),
        |p| p.op(b"(K\x01\x91"),
        // numpy.float64(1.5): bytes by way of _codecs in protocol 2, as bytes in 3.
        |p| {
            p.global("numpy", "dtype")
                .text("f8")
                .op(b"\x85R")
                .global("_codecs", "encode")
                .text("x")
                .op(b"\x85R\x86")
        },
        |p| p.op(b"C\x03\xff\0\x01\x96\x01\0\0\0\0\0\0\0xB\x02\0\0\0ab00"),
        |p| p.global("datetime", "datetime").op(b"C\x0a\x07\xea\x0b\x1d\n\x1e!\0\0\0\x85R"),
        |p| p.op(b"\x8b\x14\0\0\0").op(&[7; 20]),
        |p| p.global("a", "B").op(b")}\x92").op(b"N}\x86b"),
        |p| p.op(b"\x97\x98"),
    ];
    for (number, other) in others.into_iter().enumerate() {
        let object = checkpoint(|p| weights(other(args(p).text("other"))));
        let (names, value, _) = found(&object, None);
        assert_eq!((names.len(), value), (2, 1.0), "{number}");
    }
    // Adam's state: tensors by the parameter's number, and floats.
    let optimiser = |p: Pickle| {
        let p =
            p.text("optimizer").op(b"}").text("state").op(b"}(K\0}(").text("step").op(b"G@\0\0\0\0\0\0\0");
        p.text("exp_avg").tensor(&WEIGHT).op(b"uK\x01}(").text("exp_avg").tensor(&WEIGHT).op(b"uus")
    };
    assert_eq!(
        found(&checkpoint(|p| weights(optimiser(p))), None).2,
        "weights: state_dict of checkpoint.pth"
    );
    assert_eq!(found(&checkpoint(|p| optimiser(weights(p))), None).0.len(), 2);
}

#[test]
fn every_protocol_is_read() {
    let names = |object: &[u8]| found(object, None).0;
    // Protocol 1, and 0's texts, numbers and memo, with what they make taken apart by hand.
    let one = dict(Pickle(Vec::new()).op(b"}(").text("w"), &TIMM, "", 1).op(b"u").stop();
    assert_eq!(names(&one), [TIMM[1], TIMM[0]]);
    let zero = Pickle(Vec::new())
        .op(b"(dp0\nS'epoch'\np1\nI12\nsS\"lr\"\nF0.5\nsVname\nVtext \\u1234\nsS'big'\nL123456789012345678901234567890123456789012L\nsS'yes'\nI01\ns")
        .op(b"(lp2\nI1\nag2\n0(I1\nI2\nt0(iargparse\nNamespace\np3\n(dbs0(cargparse\nNamespace\noS'me'\ng0\nsS'x'\nPsome id\ns");
    assert!(matches!(taken_of(&zero.stop(), None), Err(Error::Malformed { .. })), "no tensors in it");
    let zero = dict(Pickle(Vec::new()).op(b"(dp0\nS'epoch'\nI12\nsS'w'\n"), &TIMM, "", 1).op(b"s").stop();
    assert_eq!(names(&zero), [TIMM[1], TIMM[0]]);
    for protocol in [3, 4, 5] {
        let object = dict(Pickle(vec![0x80, protocol]), &TIMM, "", 1).stop();
        assert_eq!(names(&object), [TIMM[1], TIMM[0]]);
    }
    // A file whose magic number is of protocol 1.
    let rest = legacy(&one, &storages()[..1])[15..].to_vec();
    let text = [b"L119547037146038801333356L\n.".to_vec(), rest].concat();
    assert_eq!(taken(&text, None).unwrap().0, [TIMM[1], TIMM[0]]);
}

#[test]
fn dictionaries_that_were_made_of_pairs_are_read() {
    // Python 2's OrderedDict([[name, tensor], ...]).
    let pair = |p: Pickle, name: &&str| p.op(b"](").text(name).tensor(&ONE).op(b"e");
    let object =
        TIMM.iter().fold(Pickle::new().global("collections", "OrderedDict").op(b"]("), pair).op(b"e\x85R");
    assert_eq!(found(&object.stop(), None).0, [TIMM[1], TIMM[0]]);
}

#[test]
fn a_part_of_a_storage_that_the_old_format_names_is_read_from_its_start() {
    let p = Pickle::new().op(b"}").text("weight").global("torch._utils", "_rebuild_tensor_v2").op(b"((");
    let p = p.text("storage").global("torch", "FloatStorage").text("11").text("cpu").int(7);
    let view = p.op(b"(").text("view").int(3).int(2).op(b"ttQ").int(1).op(b"(K\x01t(K\x01t\x89}tRs").stop();
    let file = zipped(&view, &storages()[..1], CompressionMethod::Stored);
    assert_eq!(taken(&file, None).unwrap().1, 4.0);
}

#[test]
fn files_without_tensors_by_name_say_what_they_hold() {
    let keys =
        checkpoint(|p| p.text("epoch").int(3).text("shadow_params").op(b"](").tensor(&WEIGHT).op(b"e"));
    let text = taken_of(&keys, None).unwrap_err().to_string();
    assert!(text.contains("it holds a dictionary of 2 items (epoch, shadow_params, ...)"), "{text}");
    assert!(text.contains("torch.save(model.state_dict(), FILE)"), "{text}");
    let text = taken_of(&Pickle::new().tensor(&WEIGHT).stop(), None).unwrap_err().to_string();
    assert!(text.contains("it holds a tensor, and no dictionary"), "{text}");
}

#[test]
fn an_optimisers_state_alone_is_named_as_that() {
    let state = |p: Pickle| p.text("state").op(b"}K\0}").text("exp_avg").tensor(&WEIGHT).op(b"sss");
    let text = taken_of(&checkpoint(|p| state(p.text("optimizer").op(b"}"))), None).unwrap_err().to_string();
    assert!(text.contains("state of an optimiser or the like (optimizer.state.0), and no weights"), "{text}");
}

/// torch's writer puts the two records of long archives between directory and end, whether they are needed or not. The first record of
/// the directory has as many bytes as they have if the name of the file has 21 letters.
#[test]
fn a_file_name_of_any_length_is_read() {
    for letters in 1..40 {
        let folder = "n".repeat(letters);
        let object = dict(Pickle::new(), &TIMM, "", 1).stop();
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let stored = zip::write::SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, content) in [("data.pkl", &object), ("data/11", &storages()[0].2)] {
            zip.start_file(format!("{folder}/{name}"), stored).unwrap();
            std::io::Write::write_all(&mut zip, content).unwrap();
        }
        let mut file = zip.finish().unwrap().into_inner();
        let end = file.split_off(file.len() - 22);
        let number =
            |at: usize, len: usize| end[at..at + len].iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
        let (entries, size, start) = (number(10, 2), number(12, 4), number(16, 4));
        let record = file.len() as u64;
        file.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x1e\x03\x2d\0\0\0\0\0\0\0\0\0");
        [entries, entries, size, start].iter().for_each(|field| file.extend(field.to_le_bytes()));
        file.extend(b"PK\x06\x07\0\0\0\0");
        file.extend(record.to_le_bytes());
        file.extend([1, 0, 0, 0]);
        file.extend(end);
        assert_eq!(taken(&file, None).unwrap().0, [TIMM[1], TIMM[0]], "{letters} letters");
    }
}
