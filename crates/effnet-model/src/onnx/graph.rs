//! Builds a graph: each function adds the nodes of an operation and returns the name of its result.

use effnet_ops::{Activation, Folded, Padding};

use crate::side_by_side::{Rescale, SMALLEST_NORM};

use super::proto::{Attribute, Dimension, Graph, Node, Shape, Size, Tensor, TensorType, Type, Value};

/// Nodes and weights so far. Tensors are NCHW, as ONNX has them.
#[derive(Default)]
pub(crate) struct GraphBuilder {
    nodes: Vec<Node>,
    weights: Vec<Tensor>,
}

/// Stride, padding and input size of a convolution.
pub(crate) struct ConvGeometry {
    pub(crate) stride: usize,
    pub(crate) padding: Padding,
    /// Side of the square input.
    pub(crate) side: usize,
}

impl ConvGeometry {
    /// A 1 x 1 convolution on an input of any size.
    pub(crate) const POINTWISE: Self = Self { stride: 1, padding: Padding::Symmetric, side: 1 };
}

impl GraphBuilder {
    /// A convolution with its norm: depthwise where its weight is [C, 1, k, k] and C is more than one.
    pub(crate) fn conv(&mut self, name: &str, x: &str, conv: Folded, geometry: &ConvGeometry) -> String {
        let [output, input, kernel, _] = conv.dims();
        let groups = if kernel > 1 && input == 1 { output } else { 1 };
        let [before, after] = geometry.padding.border(geometry.side, kernel, geometry.stride).map(int);
        let attributes = vec![
            ints("kernel_shape", &[int(kernel); 2]),
            ints("strides", &[int(geometry.stride); 2]),
            ints("pads", &[before, before, after, after]),
            Attribute { name: "group".into(), i: int(groups), r#type: Attribute::INT, ints: Vec::new() },
        ];
        let dims = conv.dims();
        let (weight, bias) = conv.into_parts();
        let weight = self.weight(&format!("{name}.weight"), &dims, &weight);
        let bias = self.weight(&format!("{name}.bias"), &[output], &bias);
        self.node("Conv", name, vec![x.to_owned(), weight, bias], attributes)
    }

    /// [N, features] -> [N, outputs].
    pub(crate) fn linear(&mut self, name: &str, x: &str, linear: Folded) -> String {
        let [output, input, ..] = linear.dims();
        let (weight, bias) = linear.into_parts();
        let weight = self.weight(&format!("{name}.weight"), &[output, input], &weight);
        let bias = self.weight(&format!("{name}.bias"), &[output], &bias);
        let transposed = Attribute { name: "transB".into(), i: 1, r#type: Attribute::INT, ints: Vec::new() };
        self.node("Gemm", name, vec![x.to_owned(), weight, bias], vec![transposed])
    }

    pub(crate) fn activation(&mut self, name: &str, x: &str, activation: Activation) -> String {
        match activation {
            Activation::Identity => x.to_owned(),
            Activation::Swish => {
                let gate = self.sigmoid(&format!("{name}.sigmoid"), x);
                self.mul(&format!("{name}.swish"), x, &gate)
            }
            Activation::Relu6 => {
                let bounds = [("zero", 0.0), ("six", 6.0)].map(|(bound, value)| {
                    let name = format!("{name}.{bound}");
                    self.weight(&name, &[], &[value])
                });
                let inputs = [x.to_owned()].into_iter().chain(bounds).collect();
                self.node("Clip", &format!("{name}.relu6"), inputs, Vec::new())
            }
        }
    }

    pub(crate) fn sigmoid(&mut self, name: &str, x: &str) -> String {
        self.node("Sigmoid", name, vec![x.to_owned()], Vec::new())
    }

    pub(crate) fn mul(&mut self, name: &str, a: &str, b: &str) -> String {
        self.node("Mul", name, vec![a.to_owned(), b.to_owned()], Vec::new())
    }

    pub(crate) fn add(&mut self, name: &str, a: &str, b: &str) -> String {
        self.node("Add", name, vec![a.to_owned(), b.to_owned()], Vec::new())
    }

    /// x times a number.
    pub(crate) fn scale(&mut self, name: &str, x: &str, factor: f32) -> String {
        let factor = self.weight(&format!("{name}.factor"), &[], &[factor]);
        self.mul(name, x, &factor)
    }

    /// [N, C, H, W] times a factor and plus an offset of each channel.
    pub(crate) fn rescale(&mut self, name: &str, x: &str, rescale: &Rescale) -> String {
        let dims = [1, rescale.factor.len(), 1, 1];
        let factor = self.weight(&format!("{name}.factor"), &dims, &rescale.factor);
        let offset = self.weight(&format!("{name}.offset"), &dims, &rescale.offset);
        let scaled = self.mul(&format!("{name}.scaled"), x, &factor);
        self.add(name, &scaled, &offset)
    }

    /// [N, F] with the norm of each row made this one.
    pub(crate) fn with_norm(&mut self, name: &str, x: &str, norm: f32) -> String {
        let axes = vec![ints("axes", &[1])];
        let own = self.node("ReduceL2", &format!("{name}.norm"), vec![x.to_owned()], axes);
        let least = self.weight(&format!("{name}.least"), &[], &[SMALLEST_NORM]);
        let own = self.node("Max", &format!("{name}.divisor"), vec![own, least], Vec::new());
        let unit = self.node("Div", &format!("{name}.unit"), vec![x.to_owned(), own], Vec::new());
        self.scale(name, &unit, norm)
    }

    /// Tensors [N, F] side by side.
    pub(crate) fn side_by_side(&mut self, name: &str, parts: Vec<String>) -> String {
        let axis = Attribute { name: "axis".into(), i: 1, r#type: Attribute::INT, ints: Vec::new() };
        self.node("Concat", name, parts, vec![axis])
    }

    /// [N, C, H, W] -> [N, C, 1, 1].
    pub(crate) fn pool(&mut self, name: &str, x: &str) -> String {
        self.node("GlobalAveragePool", name, vec![x.to_owned()], Vec::new())
    }

    /// [N, C, 1, 1] -> [N, C].
    pub(crate) fn flatten(&mut self, name: &str, x: &str) -> String {
        self.node("Flatten", name, vec![x.to_owned()], Vec::new())
    }

    /// The graph from an input [N, dims...] to an output of so many numbers an image, which `result` is.
    pub(crate) fn finish(mut self, input: (&str, &[usize]), output: (&str, usize), result: &str) -> Graph {
        self.nodes.push(Node {
            input: vec![result.to_owned()],
            output: vec![output.0.to_owned()],
            name: output.0.to_owned(),
            op_type: "Identity".to_owned(),
            attribute: Vec::new(),
        });
        Graph {
            node: self.nodes,
            name: "EfficientNet".to_owned(),
            initializer: self.weights,
            input: vec![value(input.0, input.1)],
            output: vec![value(output.0, &[output.1])],
        }
    }

    fn node(&mut self, op: &str, name: &str, input: Vec<String>, attribute: Vec<Attribute>) -> String {
        let output = vec![name.to_owned()];
        self.nodes.push(Node { input, output, name: name.to_owned(), op_type: op.to_owned(), attribute });
        name.to_owned()
    }

    fn weight(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        self.weights.push(Tensor {
            dims: dims.iter().map(|n| int(*n)).collect(),
            data_type: Tensor::FLOAT,
            name: name.to_owned(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
        name.to_owned()
    }
}

/// Sizes of tensors in memory are far below the largest.
fn int(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute { name: name.to_owned(), i: 0, ints: values.to_vec(), r#type: Attribute::INTS }
}

/// A tensor of f32 whose first dimension is the batch's.
fn value(name: &str, dims: &[usize]) -> Value {
    let known = dims.iter().map(|n| Size::DimValue(int(*n)));
    let dim = [Size::DimParam("N".to_owned())].into_iter().chain(known);
    let shape = Shape { dim: dim.map(|size| Dimension { value: Some(size) }).collect() };
    let tensor_type = Some(TensorType { elem_type: Tensor::FLOAT, shape: Some(shape) });
    Value { name: name.to_owned(), r#type: Some(Type { tensor_type }) }
}
