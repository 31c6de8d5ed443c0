//! Classifies an image with published weights: `cargo run --release --example classify -- efficientnet_b0 WEIGHTS IMAGE`
//! (timm's `model.safetensors`, torchvision's or lukemelas's `.pth`).

#![allow(clippy::print_stdout, reason = "its result")]

use effnet_model::candle::{D, Device, Tensor};
use effnet_model::{Arch, SavedModel};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [_, name, weights, image] =
        std::env::args().collect::<Vec<_>>().try_into().map_err(|_| "NAME WEIGHTS IMAGE")?;
    let model = SavedModel::from_file(weights.as_ref(), Some(&Arch::by_name(&name)?), &Device::Cpu)?;
    let (arch, side) = (&model.card.arch, model.card.arch.size);
    let resized = arch.preprocessing.resized(side) as u32;
    let square = image::open(image)?.resize_to_fill(resized, resized, image::imageops::CatmullRom);
    let margin = (resized - side as u32) / 2;
    let picture = square.crop_imm(margin, margin, side as u32, side as u32);
    let values = Tensor::from_vec(picture.into_rgb32f().into_raw(), (1, side, side, 3), &Device::Cpu)?;
    let outputs = model.outputs(&arch.preprocessing.normalise(&values)?)?;
    println!("local features  {:?}", outputs.local_features[0].shape());
    println!("global feature  {:?}", outputs.embeddings.shape());
    let class = outputs.logits.argmax(D::Minus1)?.to_vec1::<u32>()?[0];
    println!("class {class}: {}", model.card.classes[class as usize]);
    Ok(())
}
