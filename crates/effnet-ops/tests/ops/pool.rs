//! Global average pooling.

use proptest::prelude::*;

use crate::support::{assert_holds, images};
use crate::table::elementwise::pool;

#[test]
fn it_equals_its_reference() {
    for dims in [[2, 3, 5, 7], [1, 1, 1, 8], [3, 4, 4, 33], [70, 2, 1, 130], [2, 40, 31, 5]] {
        assert_holds(&pool(dims));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn it_equals_its_reference_over_random_shapes(dims in images()) {
        assert_holds(&pool(dims));
    }
}
