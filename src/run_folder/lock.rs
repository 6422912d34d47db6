//! One process to a folder: the lock goes with the process that holds it, however that ends.

use std::fs::{File, TryLockError};

use crate::error::{Error, Result};
use crate::files::folder::Folder;

/// The file that is locked; it stays and means nothing by itself.
pub const FILE: &str = ".lock";

/// The right to write into a folder.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a folder that is there.
    ///
    /// # Errors
    /// If another process has it, or the folder cannot be written.
    pub fn take(folder: &Folder) -> Result<Self> {
        let file = folder.lock(FILE)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(Error::usage(
                format!("another klfit is running in {}", folder.path().display()),
                "wait until it has ended, or choose another folder with --out",
            )),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &folder.path_of(FILE))(error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // To close the file is not enough where a child of this process has it for the moment between
        // its fork and its exec. What fails here ends with the process.
        _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_owner_whoever_has_the_file_too() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path()).unwrap();
        let lock = Lock::take(&folder).unwrap();
        assert!(Lock::take(&folder).is_err());
        // As a child that has not come to its exec.
        let inherited = lock.file.try_clone().unwrap();
        drop(lock);
        assert!(Lock::take(&folder).is_ok());
        drop(inherited);
    }
}
