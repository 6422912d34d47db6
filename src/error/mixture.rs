//! Why numbers are not a mixture of Gaussians.

/// Why some numbers are not a mixture of Gaussians.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}{message}", place(.part, .component))]
pub struct MixtureError {
    /// Which of the parts is wrong: "weights", "means", "stds", "covariances" or "scale_trils".
    pub part: &'static str,
    /// The component it is wrong in, counted from 0.
    pub component: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

fn place(part: &str, component: &Option<usize>) -> String {
    match component {
        Some(k) => format!("{part}, component {}: ", k + 1),
        None => format!("{part}: "),
    }
}

impl MixtureError {
    pub(crate) fn new(
        part: &'static str,
        component: impl Into<Option<usize>>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            part,
            component: component.into(),
            message: message.into(),
            help: help.into(),
        }
    }
}
