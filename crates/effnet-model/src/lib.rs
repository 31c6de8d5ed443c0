//! EfficientNet B0-B7 and Lite0-4 by compound scaling, trainable, with published weights in and out.
