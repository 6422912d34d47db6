//! One process to a folder: the lock goes with the process that holds it, however that ends.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::error::{Error, Result};

/// The file that is locked; it stays and means nothing by itself.
pub const FILE: &str = ".lock";

/// The right to write into a folder.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a folder that is there.
    ///
    /// # Errors
    /// If another process has it, or the folder cannot be written.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let file = (File::options().create(true).append(true).open(&path))
            .map_err(Error::io("write to", folder))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::usage(
                format!("another klfit is running in {}", folder.display()),
                "wait until it has ended, or choose another folder with --out",
            )),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
        }
    }
}
