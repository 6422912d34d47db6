//! x
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct ConfigError { pub help: Option<String> }
