//! What is still to be done, by time: the plan's steps, and what followed from calls.

use std::collections::BTreeMap;

use callnext_engine::Timestamp;

/// Tasks in order of time; of two at the same time, the one that was written down first.
#[derive(Debug)]
pub struct Agenda<T> {
    tasks: BTreeMap<(Timestamp, u64), T>,
    written: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { tasks: BTreeMap::new(), written: 0 }
    }
}

impl<T> Agenda<T> {
    /// Writes a task down.
    pub fn add(&mut self, at: Timestamp, task: T) {
        self.tasks.insert((at, self.written), task);
        self.written += 1;
    }

    /// When the next task is due.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.tasks.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next task off.
    pub fn take(&mut self) -> Option<(Timestamp, T)> {
        self.tasks.pop_first().map(|((at, _), task)| (at, task))
    }

    /// Whether a task like this is still to come.
    pub fn any(&self, like: impl Fn(&T) -> bool) -> bool {
        self.tasks.values().any(like)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_by_time_and_then_as_written() {
        let mut agenda = Agenda::default();
        for (at, task) in [(20, "c"), (10, "a"), (20, "d"), (10, "b")] {
            agenda.add(Timestamp(at), task);
        }
        assert_eq!(agenda.next_at(), Some(Timestamp(10)));
        assert!(agenda.any(|task| *task == "d"));
        let order: Vec<_> = std::iter::from_fn(|| agenda.take()).map(|(_, task)| task).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }
}
