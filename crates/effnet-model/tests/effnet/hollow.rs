//! Files with the names and shapes of a network's tensors, whose numbers are zeros that take no memory and no room on the disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use effnet_model::candle::{DType, Device, Result, Shape, Tensor, bail};
use effnet_model::candle_nn::VarBuilder;
use effnet_model::candle_nn::init::Init;
use effnet_model::candle_nn::var_builder::SimpleBackend;
use effnet_model::{Arch, EfficientNet, Layout};

use crate::reference::{first_blocks, lukemelas_name, torchvision_name};

/// Shapes by name.
pub(crate) type Shapes = BTreeMap<String, Vec<usize>>;

struct Notes<'a>(&'a Mutex<Shapes>);

impl SimpleBackend for Notes<'_> {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, device: &Device) -> Result<Tensor> {
        self.0.lock().unwrap().insert(name.to_owned(), shape.dims().to_vec());
        Tensor::zeros((), dtype, device)?.broadcast_as(shape)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        bail!("{name}")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}

/// The network's tensors under the library's names.
pub(crate) fn shapes(arch: &Arch, classes: usize, layout: Layout) -> Shapes {
    let notes = Mutex::default();
    let builder = VarBuilder::from_backend(Box::new(Notes(&notes)), DType::F32, Device::Cpu);
    EfficientNet::new(arch, classes, builder).unwrap();
    let timm = notes.into_inner().unwrap();
    let first = first_blocks(arch);
    let renamed = |name: &str| {
        let block: Vec<&str> = name.split('.').take(3).collect();
        let expands = timm.contains_key(&format!("{}.conv_pwl.weight", block.join(".")));
        match layout {
            Layout::Lukemelas => lukemelas_name(name, expands, &first),
            Layout::Torchvision => torchvision_name(name, expands),
            _ => name.to_owned(),
        }
    };
    timm.iter().map(|(name, shape)| (renamed(name), shape.clone())).collect()
}

/// A file of safetensors with these tensors, as f16.
pub(crate) fn file(folder: &Path, shapes: &Shapes) -> PathBuf {
    let mut end = 0;
    let entry = |(name, shape): (&String, &Vec<usize>)| {
        let start = end;
        end += 2 * shape.iter().product::<usize>();
        format!("\"{name}\":{{\"dtype\":\"F16\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}")
    };
    let header = format!("{{{}}}", shapes.iter().map(entry).collect::<Vec<_>>().join(","));
    let path = folder.join("hollow.safetensors");
    let mut file = File::create(&path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    file.set_len((8 + header.len() + end) as u64).unwrap();
    path
}
