//! Squeeze and excitation.

use proptest::prelude::*;

use crate::support::{assert_holds, images};
use crate::table::squeeze_excitation::case;

#[test]
fn it_equals_its_reference() {
    for (dims, r) in [
        ([2, 3, 5, 7], 2),
        ([1, 1, 1, 8], 4),
        ([3, 4, 4, 33], 8),
        ([2, 1, 9, 16], 1),
        ([5, 2, 2, 150], 6),
        ([2, 23, 29, 12], 3),
    ] {
        assert_holds(&case(dims, r));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn it_equals_its_reference_over_random_shapes(dims in images(), r in 1usize..14) {
        assert_holds(&case(dims, r));
    }
}
