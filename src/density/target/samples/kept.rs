//! Some of the rows of a table: a bit for each, so that a thousand million take 140 MB.

/// Words of 64 rows between two counts.
const WORDS: usize = 8;

/// Which of N rows are taken.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    of: usize,
    bits: Vec<u64>,
    /// How many are taken before every eighth word; and after that, how many there are.
    before: Vec<u64>,
}

impl Kept {
    /// Those of `of` rows that are, asked in their order.
    pub fn new(of: usize, mut is_kept: impl FnMut(usize) -> bool) -> Self {
        let mut kept = Self {
            of,
            bits: vec![0; of.div_ceil(64)],
            before: Vec::with_capacity(of.div_ceil(64 * WORDS) + 1),
        };
        let mut count = 0;
        for (word, bits) in kept.bits.iter_mut().enumerate() {
            if word.is_multiple_of(WORDS) {
                kept.before.push(count);
            }
            for row in 64 * word..of.min(64 * (word + 1)) {
                *bits |= u64::from(is_kept(row)) << (row % 64);
            }
            count += u64::from(bits.count_ones());
        }
        kept.before.push(count);
        kept
    }

    /// How many are taken.
    pub fn len(&self) -> usize {
        self.before.last().map_or(0, |&count| count as usize)
    }

    /// Whether this one is.
    pub fn has(&self, row: usize) -> bool {
        row < self.of && self.bits[row / 64] >> (row % 64) & 1 == 1
    }

    /// The row that has `rank` others that are taken before it, and is one itself; N where there is none.
    pub fn row(&self, rank: usize) -> usize {
        if rank >= self.len() {
            return self.of;
        }
        let mut left = rank as u64;
        // The first count is 0.
        let block = self.before.partition_point(|&count| count <= left) - 1;
        left -= self.before[block];
        for (word, &bits) in self.bits.iter().enumerate().skip(block * WORDS) {
            let here = u64::from(bits.count_ones());
            if left < here {
                let rest = (0..left).fold(bits, |rest, _| rest & (rest - 1));
                return 64 * word + rest.trailing_zeros() as usize;
            }
            left -= here;
        }
        self.of
    }

    /// All that are, in their order, or all others.
    pub fn rows(&self, are_kept: bool) -> impl Iterator<Item = usize> {
        (0..self.of).filter(move |&row| self.has(row) == are_kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_places_in_the_list_of_those_that_are_kept() {
        for of in [0, 1, 63, 64, 65, 511, 512, 513, 5000] {
            for every in [1, 2, 7, 300] {
                let is_kept = |row: usize| (row * row + row / 3).is_multiple_of(every) && row != 4;
                let kept = Kept::new(of, is_kept);
                let expected: Vec<usize> = (0..of).filter(|&row| is_kept(row)).collect();
                assert_eq!(kept.len(), expected.len());
                assert_eq!(kept.rows(true).collect::<Vec<_>>(), expected);
                assert_eq!(kept.rows(false).count(), of - expected.len());
                let found: Vec<usize> = (0..expected.len()).map(|rank| kept.row(rank)).collect();
                assert_eq!(found, expected);
                assert_eq!(kept.row(expected.len()), of);
            }
        }
    }
}
