//! How far long work has come, for whoever shows it.

/// Someone who follows work that is counted.
pub trait WorkObserver {
    /// Of `what`, so much is done by now; it never becomes less before something else is done.
    fn done(&mut self, what: &str, done: usize, of: usize);
}

/// Nobody.
impl WorkObserver for () {
    fn done(&mut self, _: &str, _: usize, _: usize) {}
}
