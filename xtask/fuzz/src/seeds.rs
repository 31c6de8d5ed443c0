//! Valid files to begin with, and the words that they are made of.

use effnet_model::{Arch, ClassifierKind, ModelCard};
use zip::CompressionMethod;

use crate::{scratch, torch};

pub(crate) const OF_WEIGHTS: &[&[u8]] = &[
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"\x80\x02\x8a\x0a",
    b"\"dtype\":\"F64\"",
    b"\"shape\":[]",
    b"\"data_offsets\":[0,8]",
    b"\"__metadata__\":{}",
];

/// Instructions, with short operands.
pub(crate) const OF_PICKLES: &[&[u8]] = &[
    b"N",
    b"\x88",
    b"J\xff\xff\xff\xff",
    b"K\x02",
    b"M\xff\xff",
    b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"G\0\0\0\0\0\0\0\0",
    b"X\x01\0\0\x000",
    b"\x8c\x01a",
    b"cos\nsystem\n",
    b"ctorch\nHalfStorage\n",
    b"ctorch\nLongStorage\n",
    b"ccollections\nOrderedDict\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch._utils\n_rebuild_parameter\n",
    b"\x93",
    b"}",
    b")",
    b"]",
    b"t",
    b"\x85",
    b"\x86",
    b"\x87",
    b"Q",
    b"R",
    b"h\0",
    b"h\x01",
    b"j\0\0\0\0",
    b"2",
    b"(",
    b"0",
    b"1",
    b"q\0",
    b"q\x01",
    b"r\0\0\0\0",
    b"\x94",
    b"s",
    b"u",
    b"a",
    b"e",
    b"b",
    b"\x95\0\0\0\0\0\0\0\0",
    b"\x81",
    b"\x92",
    b"\x8f",
    b"\x90",
    b"\x91",
    b"\x97",
    b"\x82\x01",
    b"o",
    b"l",
    b"d",
    b"S'a'\n",
    b"I01\n",
    b"F0.5\n",
    b"C\x01a",
    b"\x8d\x01\0\0\0\0\0\0\0a",
    b"p0\n",
    b"g0\n",
    b"ccopyreg\n_reconstructor\n",
    b"ctorch._tensor\n_rebuild_from_type_v2\n",
    b"X\x0b\0\0\0_parameters",
    b"X\x08\0\0\0_modules",
    b"X\x10\0\0\0conv_stem.weight",
    b".",
];

pub(crate) const OF_JSON: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e300",
    b"1e999",
    b"1e-300",
    b"0.5",
    b"\"\"",
    b"\"a\"",
    b"\"\\u0000\"",
    b"\"\\ud800\"",
    b"\"linear\"",
    b"\"mlp\"",
    b"\"lite\"",
    b"\"same\"",
    b"\xef\xbb\xbf",
    b"\xff",
];

pub(crate) const OF_TOML: &[&[u8]] = &[
    b"\n",
    b"=",
    b"\"",
    b"\"\"\"",
    b"'''",
    b"#",
    b"[",
    b"]",
    b"[[",
    b"{",
    b"}",
    b",",
    b".",
    b"true",
    b"nan",
    b"-inf",
    b"1e300",
    b"-1",
    b"0x7fffffffffffffff",
    b"1979-05-27",
    b"\\u0000",
    b"program = \"effmix\"\n",
    b"classes = []\n",
    b"epochs = 1\n",
    b"size = 8\n",
    b"\xef\xbb\xbf",
    b"\xff",
];

pub(crate) const OF_CSV: &[&[u8]] = &[
    b",",
    b"\n",
    b"\r\n",
    b"\r",
    b"\"",
    b"\"\"",
    b"path",
    b"label",
    b"truth",
    b"cat",
    b"dog",
    b"cat/1.png",
    b"4.png",
    b"../",
    b"/",
    b"./",
    b"\\",
    b"C:/",
    b"\0",
    b" ",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xc3\xa9",
];

/// A dictionary of two tensors, of which one is a parameter.
const OBJECT: &[u8] = b"\x80\x02ccollections\nOrderedDict\nq\x00)R(\
    X\x06\0\0\0weightctorch._utils\n_rebuild_tensor_v2\nq\x01(\
    (X\x07\0\0\0storageq\x02ctorch\nFloatStorage\nq\x03X\x01\0\0\x000q\x04X\x03\0\0\0cpuq\x05K\x08tQ\
    K\x01(K\x03K\x02t(K\x01K\x03t\x89h\0)RtR\
    X\x04\0\0\0biasctorch._utils\n_rebuild_parameter\n(h\x01((h\x02h\x03h\x04h\x05K\x08tQK\0K\x02\x85K\x01\x85\x89}tR\x88}tR\
    u}X\x09\0\0\0_metadata}sb.";

/// As [`OBJECT`], of a checkpoint of a training script, in protocol 4's words.
const CHECKPOINT: &[u8] = b"\x80\x04\x95\xff\0\0\0\0\0\0\0}\x94(\x8c\x05epochK\x03\x8c\x0astate_dict}\x94(\
    \x8c\x0dmodule.weight\x8c\x0ctorch._utils\x8c\x12_rebuild_tensor_v2\x93\x94(\
    (\x8c\x07storage\x8c\x05torch\x8c\x0cFloatStorage\x93\x8c\x010\x8c\x03cpuK\x08tQK\0K\x02K\x04\x86K\x04K\x01\x86\x89}tR\
    u\x8c\x02lrG\x3f\xf0\0\0\0\0\0\0u.";

/// A module with a module in it, beside an object of a script's own and a tuple of numbers.
const MODULE: &[u8] = b"\x80\x02}(X\x04\0\0\0argscargparse\nNamespace\n)\x81}X\x02\0\0\0lrG\x3f\xf0\0\0\0\0\0\0sb\
    X\x05\0\0\0modelcnet\nNet\n)\x81}(X\x0b\0\0\0_parameters}X\x08\0\0\0_buffers}X\x08\0\0\0_modules}\
    X\x09\0\0\0conv_stemcnet\nConv\n)\x81}(X\x0b\0\0\0_parameters}X\x06\0\0\0weight\
    ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x08tQ\
    K\0K\x02\x85K\x01\x85\x89}tRsX\x08\0\0\0_modules}ubsub\
    X\x01\0\0\0xK\x01K\x02\x86u.";

pub(crate) fn pickles() -> Vec<Vec<u8>> {
    vec![OBJECT.to_vec(), CHECKPOINT.to_vec(), MODULE.to_vec()]
}

pub(crate) fn weights() -> Vec<Vec<u8>> {
    let header = "{\"__metadata__\":{\"effmix\":\"{\\\"note\\\":\\\"n\\\"}\"},\
        \"a.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},\
        \"a.bias\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[24,28]},\
        \"a.count\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[28,36]}}";
    let numbers = [1f32, -2.0, 0.5, 0.0, 3.0, 7.0].map(f32::to_le_bytes).concat();
    let rest = [0, 0x3c, 0, 0xc0, 9, 0, 0, 0, 0, 0, 0, 0];
    let safetensors = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &numbers, &rest].concat();
    let (zipped, legacy) = (torch::zipped(OBJECT), torch::legacy(OBJECT));
    let files: [(&str, &[u8]); 2] = [("w/net.pth", &legacy), ("w/config.json", b"{}")];
    let wheel = torch::archive(&files, CompressionMethod::Deflated);
    let nested = torch::archive(&[("net.pt", &zipped)], CompressionMethod::Stored);
    vec![safetensors, zipped, legacy, wheel, nested]
}

pub(crate) fn timm_configs() -> Vec<Vec<u8>> {
    let config = r#"{"architecture": "tf_efficientnet_b0", "num_classes": 3, "label_names": ["a", "b", "c"],
  "pretrained_cfg": {"tag": "in1k", "input_size": [3, 96, 96], "crop_pct": 0.875, "interpolation": "bicubic",
    "mean": [0.5, 0.25, 0.125], "std": [0.5, 0.5, 0.25]}}"#;
    vec![config.into(), config.replace("\"label_names\": [\"a\", \"b\", \"c\"],", "").into()]
}

pub(crate) fn models() -> Vec<Vec<u8>> {
    let arch = Arch::by_name("b0").expect("a name of the table").with_size(96);
    let hidden = arch.clone().with_classifier(ClassifierKind::Mlp { hidden: 16 });
    let card = |arch| {
        let classes = ["cat", "dog"].map(str::to_owned).to_vec();
        ModelCard::new(arch, classes, ["net1.safetensors", "net2.safetensors"].map(str::to_owned).to_vec())
    };
    [arch, hidden].map(|arch| written(&card(arch))).to_vec()
}

fn written(card: &ModelCard) -> Vec<u8> {
    let path = scratch::path("seed/model.json");
    card.write(&path.with_file_name("")).expect("room for a card");
    std::fs::read(path).expect("a card")
}

pub(crate) fn configs() -> Vec<Vec<u8>> {
    let own = "# mine\ndata = \"photos\"\narch = \"b0\"\nwidth = 0.5\nsize = 96\nepochs = 12\nlr = 1e-2\n\
        cache = \"none\"\nmethod = \"ce\"\naugment = 'flip-crop'\nbudget = \"30m\"\nseed = 7\nforce = true\n";
    let of_run = "program = \"effmix\"\nversion = \"0.1.0\"\nclasses = [\"cat\", \"dog\"]\ndata = \"photos\"\n\
        labels = \"l.csv\"\npath-column = \"path\"\nstem-stride = 1\nepochs = 3\nwarmup = 1\nlambda-u = 25.0\n\
        threshold = 0.5\nschedule = \"cosine\"\ncheckpoint-every = 1\n# end\n";
    let laid_out = "\"program\" = 'effmix'\nclasses = [\n  \"\"\"a\nversion = 1\"\"\", # one\n  'c = d',\n]\nepochs = 3\n# end\n";
    vec![own.into(), of_run.into(), laid_out.into()]
}

pub(crate) fn labels() -> Vec<Vec<u8>> {
    let files = [
        "path,label\ncat/1.png,cat\ncat/2.png,dog\ndog/3.png,dog\n4.png,cat\n",
        "\u{feff}path,\"label\",truth,note\r\n./cat/1.png,dog,cat,\"a, \"\"b\"\"\"\r\ndog//3.png,dog,,\r\n\r\n",
        "truth,label,path\ncow,ox,4.png\nox,cow,cat/2.png\n",
    ];
    files.map(|file| file.as_bytes().to_vec()).to_vec()
}
