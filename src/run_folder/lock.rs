//! One process to a folder: the lock goes with the process that holds it, however that ends.

use std::fs::{File, TryLockError};
use std::path::Path;

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
        Self::try_take(folder)?.ok_or_else(|| is_taken(folder))
    }

    /// As [`take`](Self::take); none if another process has it.
    ///
    /// # Errors
    /// If the folder cannot be written, or its file system knows no locks.
    pub fn try_take(folder: &Folder) -> Result<Option<Self>> {
        Self::locked(folder, File::try_lock)
    }

    /// A lock that others may share, but nobody have alone meanwhile; none if somebody has it alone.
    ///
    /// # Errors
    /// As [`try_take`](Self::try_take).
    pub fn try_share(folder: &Folder) -> Result<Option<Self>> {
        Self::locked(folder, File::try_lock_shared)
    }

    fn locked(
        folder: &Folder,
        lock: impl Fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Option<Self>> {
        let file = folder.lock(FILE)?;
        match lock(&file) {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &folder.path_of(FILE))(error)),
        }
    }
}

/// That another process has a folder.
pub fn is_taken(folder: &Folder) -> Error {
    is_taken_at(folder.path())
}

/// That another process has the folder of that path.
pub fn is_taken_at(path: &Path) -> Error {
    Error::usage(
        format!("another klfit is running in {}", path.display()),
        "wait until it has ended, or choose another folder with --out",
    )
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

    #[test]
    fn a_shared_lock_keeps_out_who_wants_it_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path()).unwrap();
        let one = Lock::try_share(&folder).unwrap().unwrap();
        let other = Lock::try_share(&folder).unwrap().unwrap();
        assert!(Lock::try_take(&folder).unwrap().is_none());
        drop(one);
        assert!(Lock::try_take(&folder).unwrap().is_none());
        drop(other);
        let alone = Lock::try_take(&folder).unwrap().unwrap();
        assert!(Lock::try_share(&folder).unwrap().is_none());
        drop(alone);
        assert!(Lock::try_share(&folder).unwrap().is_some());
    }
}
