//! Numbers that nothing else has, and nobody can guess.

use rand::TryRng;
use rand::rngs::SysRng;

use crate::error::{Error, Result};

/// A number of 128 bits from the operating system, in 32 hexadecimal digits.
///
/// # Errors
/// If the system has none to give.
pub(crate) fn unique() -> Result<String> {
    let next = || {
        SysRng.try_next_u64().map_err(|error| {
            Error::usage(
                format!("the operating system gives no random numbers: {error}"),
                "run klfit where the source of random numbers, such as /dev/urandom, may be read",
            )
        })
    };
    Ok(format!("{:016x}{:016x}", next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let all: std::collections::HashSet<String> = (0..1000).map(|_| unique().unwrap()).collect();
        assert_eq!(all.len(), 1000);
        assert!(all.iter().all(|one| one.len() == 32));
    }
}
