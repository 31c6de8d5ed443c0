//! The first rows of a long file that may come in any order.

/// Keeps the values with the smallest keys and forgets the others, so that a file of any length takes little memory.
pub(super) struct Smallest<K, V> {
    limit: usize,
    /// Up to twice the limit, the values of the first half sorted.
    kept: Vec<(K, V)>,
    /// The largest key of those that will stay, once there are enough.
    bound: Option<K>,
}

impl<K: Ord + Copy, V> Smallest<K, V> {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, kept: Vec::new(), bound: None }
    }

    /// Of equal keys, those added first stay. The value is made only where it may stay.
    pub(super) fn add(&mut self, key: K, value: impl FnOnce() -> V) {
        if self.limit == 0 || self.bound.is_some_and(|bound| bound <= key) {
            return;
        }
        self.kept.push((key, value()));
        if self.kept.len() >= self.limit.saturating_mul(2) {
            self.shrink();
        }
    }

    /// By key, those of equal keys in the order in which they were added.
    pub(super) fn into_sorted(mut self) -> Vec<V> {
        self.shrink();
        self.kept.into_iter().map(|(_, value)| value).collect()
    }

    fn shrink(&mut self) {
        self.kept.sort_by_key(|(key, _)| *key);
        self.kept.truncate(self.limit);
        if self.kept.len() == self.limit {
            self.bound = self.kept.last().map(|(key, _)| *key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smallest(limit: usize, keys: &[u32]) -> Vec<(u32, usize)> {
        let mut smallest = Smallest::new(limit);
        keys.iter().enumerate().for_each(|(place, &key)| smallest.add(key, || (key, place)));
        smallest.into_sorted()
    }

    #[test]
    fn it_is_the_start_of_a_stable_sort() {
        let keys: Vec<u32> = (0..200u32).map(|i| i * 7919 % 23).collect();
        let mut sorted: Vec<(u32, usize)> = keys.iter().copied().zip(0..).collect();
        sorted.sort_by_key(|(key, _)| *key);
        for limit in [0, 1, 2, 10, 199, 200, 201, usize::MAX] {
            assert_eq!(smallest(limit, &keys), sorted[..limit.min(200)], "{limit}");
        }
    }

    #[test]
    fn it_holds_no_more_than_twice_its_limit() {
        let mut falling = Smallest::new(10);
        for key in (0..10_000).rev() {
            falling.add(key, || key);
            assert!(falling.kept.len() <= 20);
        }
    }
}
