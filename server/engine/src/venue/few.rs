//! A map of a handful: what one change touches.

use serde::{Serialize, Serializer};

/// Things by their names, in the order of these, one beside the other: most changes touch one, and a map of the
/// library would make room for eleven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Few<K, V>(Vec<(K, V)>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> Few<K, V> {
    /// Adds what is not there yet.
    pub(super) fn add(&mut self, key: K, make: impl FnOnce() -> V) {
        if let Err(at) = self.find(&key) {
            self.0.insert(at, (key, make()));
        }
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.find(key).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    pub(super) fn has(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    fn find(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(key))
    }
}

impl<K, V> IntoIterator for Few<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Serialize, V: Serialize> Serialize for Few<K, V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map_that_keeps_what_came_first() {
        let mut few = Few::default();
        for (key, value) in [(3, "c"), (1, "a"), (2, "b"), (3, "later")] {
            few.add(key, || value);
        }
        assert!(few.has(&3) && !few.has(&4));
        assert!(few.keys().eq(&[1, 2, 3]) && few.values().eq(&["a", "b", "c"]));
        *few.get_mut(&2).unwrap() = "new";
        assert_eq!(few.get_mut(&4), None);
        assert_eq!(serde_json::to_string(&few).unwrap(), r#"{"1":"a","2":"new","3":"c"}"#);
        assert_eq!(few.into_iter().collect::<Vec<_>>(), [(1, "a"), (2, "new"), (3, "c")]);
    }
}
