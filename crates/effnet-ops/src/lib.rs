//! Differentiable NHWC operations of the EfficientNet family for candle: pointwise and depthwise convolution, batch norm fused with swish, squeeze and excitation.
