//! Files as torch writes them, in both formats, made here instruction by instruction (pickle protocol 2).

use std::io::{Cursor, Write};
use std::path::Path;

use effnet_model::candle::Tensor;
use effnet_model::read_weights;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::formula;

/// A pickle in the making.
#[derive(Default)]
pub(crate) struct Pickle(pub(crate) Vec<u8>);

impl Pickle {
    pub(crate) fn new() -> Self {
        Self(vec![0x80, 2])
    }

    pub(crate) fn op(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.op(b"X").op(&(text.len() as u32).to_le_bytes()).op(text.as_bytes())
    }

    pub(crate) fn int(self, value: usize) -> Self {
        let bytes = (value as u64).to_le_bytes();
        self.op(&[0x8a, 9]).op(&bytes).op(&[0])
    }

    pub(crate) fn global(self, module: &str, name: &str) -> Self {
        self.op(b"c").op(module.as_bytes()).op(b"\n").op(name.as_bytes()).op(b"\n")
    }

    fn sizes(self, sizes: &[usize]) -> Self {
        sizes.iter().fold(self.op(b"("), |p, &size| p.int(size)).op(b"t")
    }

    pub(crate) fn storage(self, class: &str, key: &str, len: usize) -> Self {
        self.op(b"(").text("storage").global("torch", class).text(key).text("cpu").int(len).op(b"tQ")
    }

    pub(crate) fn tensor(self, t: &Entry) -> Self {
        let p = self.global("torch._utils", "_rebuild_tensor_v2").op(b"(");
        let p = p.storage(t.class, t.key, t.len).int(t.offset).sizes(t.shape).sizes(t.strides);
        p.op(&[0x89]).global("collections", "OrderedDict").op(b")RtR")
    }

    pub(crate) fn stop(self) -> Vec<u8> {
        self.op(b".").0
    }
}

/// A tensor of a state dictionary.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    pub(crate) class: &'a str,
    pub(crate) key: &'a str,
    /// Elements in the storage.
    pub(crate) len: usize,
    pub(crate) offset: usize,
    pub(crate) shape: &'a [usize],
    pub(crate) strides: &'a [usize],
}

pub(crate) const WEIGHT: Entry<'_> = Entry {
    name: "weight",
    class: "FloatStorage",
    key: "11",
    len: 7,
    offset: 1,
    shape: &[3, 2],
    strides: &[1, 3],
};
const BIAS: Entry<'_> =
    Entry { name: "bias", class: "DoubleStorage", key: "22", len: 2, offset: 0, shape: &[2], strides: &[1] };
const COUNTER: Entry<'_> = Entry {
    name: "num_batches_tracked",
    class: "LongStorage",
    key: "33",
    len: 1,
    offset: 0,
    shape: &[],
    strides: &[],
};

pub(crate) fn state_dict(entries: &[Entry]) -> Vec<u8> {
    let p = Pickle::new().global("collections", "OrderedDict").op(b")Rq\x00(");
    let p = entries.iter().fold(p, |p, e| p.text(e.name).tensor(e)).op(b"u");
    // What torch adds: a `_metadata` attribute.
    p.op(b"}").text("_metadata").op(b"}sb").stop()
}

pub(crate) type Storages<'a> = [(&'a str, usize, Vec<u8>)];

/// Storages of the three entries: 0..7 as f32, 0.5 and 1.5 as f64, a counter.
pub(crate) fn storages() -> Vec<(&'static str, usize, Vec<u8>)> {
    let floats = (0..7u8).flat_map(|v| f32::from(v).to_le_bytes()).collect();
    let doubles = [0.5f64, 1.5].iter().flat_map(|v| v.to_le_bytes()).collect();
    vec![("11", 7, floats), ("22", 2, doubles), ("33", 1, 7i64.to_le_bytes().to_vec())]
}

pub(crate) fn legacy(object: &[u8], storages: &Storages) -> Vec<u8> {
    let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.".to_vec();
    let system = Pickle::new().op(b"}(").text("protocol_version").op(b"M\xe9\x03");
    file.extend(system.text("little_endian").op(&[0x88]).op(b"u").stop());
    file.extend_from_slice(object);
    let keys = storages.iter().fold(Pickle::new().op(b"]("), |p, (key, ..)| p.text(key));
    file.extend(keys.op(b"e").stop());
    for (_, len, bytes) in storages {
        file.extend((*len as i64).to_le_bytes());
        file.extend(bytes);
    }
    file
}

pub(crate) fn zipped(object: &[u8], storages: &Storages, compression: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(compression);
    let mut file = |name: String, content: &[u8]| {
        zip.start_file(name, options).unwrap();
        zip.write_all(content).unwrap();
    };
    file("archive/data.pkl".to_string(), object);
    file("archive/byteorder".to_string(), b"little");
    for (key, _, bytes) in storages {
        file(format!("archive/data/{key}"), bytes);
    }
    file("archive/version".to_string(), b"3\n");
    zip.finish().unwrap().into_inner()
}

/// Name, type, shape and bytes of a tensor.
pub(crate) type Plain<'a> = (&'a str, &'a str, &'a [usize], &'a [u8]);

/// A file of safetensors, as <https://github.com/huggingface/safetensors> describes it.
pub(crate) fn safetensors(tensors: &[Plain]) -> Vec<u8> {
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    for (name, dtype, shape, bytes) in tensors {
        let start = data.len();
        data.extend_from_slice(bytes);
        let place = format!("\"shape\":{shape:?},\"data_offsets\":[{start},{}]", data.len());
        entries.push(format!("\"{name}\":{{\"dtype\":\"{dtype}\",{place}}}"));
    }
    with_header(&format!("{{{}}}", entries.join(",")), &data)
}

/// A file of safetensors with this header, whatever it says.
pub(crate) fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// The file in both formats.
pub(crate) fn both(object: &[u8], storages: &Storages) -> [Vec<u8>; 2] {
    [legacy(object, storages), zipped(object, storages, CompressionMethod::Stored)]
}

pub(crate) type Read = Result<std::collections::HashMap<String, Tensor>, String>;

/// What the reader makes of a file of these bytes.
pub(crate) fn read(bytes: &[u8]) -> Read {
    let folder = formula::scratch();
    let path = folder.path().join("file.pth");
    std::fs::write(&path, bytes).unwrap();
    read_weights(&path).map_err(|e| e.to_string())
}

fn check(read: &Read) {
    let tensors = read.as_ref().unwrap();
    assert_eq!(tensors.len(), 2, "the counter is left out");
    assert_eq!(tensors["weight"].dims(), [3, 2]);
    assert_eq!(formula::values(&tensors["weight"]), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(formula::values(&tensors["bias"]), [0.5, 1.5]);
}

#[test]
fn both_formats_are_read() {
    for file in both(&state_dict(&[WEIGHT, BIAS, COUNTER]), &storages()) {
        check(&read(&file));
    }
}

#[test]
fn weights_inside_a_training_scripts_checkpoint_are_found() {
    let entries = [WEIGHT, BIAS].map(|e| e);
    for key in ["state_dict", "model"] {
        let p = Pickle::new().op(b"}(").text("epoch").int(3).text(key).op(b"}(");
        let p = entries.iter().fold(p, |p, e| p.text(e.name).tensor(e));
        for file in both(&p.op(b"uu").stop(), &storages()[..2]) {
            check(&read(&file));
        }
    }
}

#[test]
fn the_prefix_of_data_parallel_is_taken_off() {
    let entries = [Entry { name: "module.weight", ..WEIGHT }, Entry { name: "module.bias", ..BIAS }];
    for file in both(&state_dict(&entries), &storages()[..2]) {
        check(&read(&file));
    }
}

#[test]
fn parameters_are_tensors() {
    let p = Pickle::new().op(b"}").text("weight").global("torch._utils", "_rebuild_parameter").op(b"(");
    let object = p.tensor(&WEIGHT).op(b"\x88}tRs").stop();
    for file in both(&object, &storages()[..1]) {
        assert_eq!(read(&file).unwrap()["weight"].dims(), [3, 2]);
    }
}

#[test]
fn nothing_of_the_path_is_needed_but_the_content() {
    let folder = formula::scratch();
    let path = folder.path().join("weights.safetensors");
    std::fs::write(&path, legacy(&state_dict(&[WEIGHT]), &storages()[..1])).unwrap();
    assert_eq!(read_weights(&path).unwrap().len(), 1);
    let missing = read_weights(Path::new("no/such.pth")).unwrap_err().to_string();
    assert!(missing.contains("such.pth"), "{missing}");
    assert!(read_weights(folder.path()).unwrap_err().to_string().contains("folder"));
}
