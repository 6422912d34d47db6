//! A function at single points, and what may be wrong with it there.

use nalgebra::DVector;
use rayon::prelude::*;

use super::together::{Member, Together};

use crate::density::target::Function;
use crate::error::Refusal;

/// Why a function is no density, or is not known to be one.
pub(super) type Refused = Refusal;

/// A function, asked at single points.
#[derive(Clone, Copy)]
pub(super) struct Problem<'a> {
    pub function: &'a Function,
    /// The searches this one goes on beside.
    together: Option<&'a Together<'a>>,
}

impl<'a> Problem<'a> {
    pub fn new(function: &'a Function) -> Self {
        Self {
            function,
            together: None,
        }
    }

    /// What a search finds from each of some starts, all of them at once.
    pub fn each<T: Sync, R: Send>(
        self,
        starts: &[T],
        search: impl Fn(Problem, &T) -> R + Sync,
    ) -> Vec<R> {
        if let Function::Formula(_) | Function::Grid(_) = self.function {
            return starts.par_iter().map(|start| search(self, start)).collect();
        }
        let together = Together::new(self.function, starts.len());
        std::thread::scope(|scope| {
            let searches: Vec<_> = (starts.iter())
                .map(|start| {
                    let (together, search) = (&together, &search);
                    scope.spawn(move || {
                        let member = Member(together);
                        let problem = Problem {
                            function: self.function,
                            together: Some(member.0),
                        };
                        search(problem, start)
                    })
                })
                .collect();
            let joined = searches.into_iter().map(|search| search.join());
            joined
                .map(|found| found.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }
    pub fn dim(self) -> usize {
        self.function.dim()
    }

    /// How many times fewer points it is computed at than a formula, of which a million take a second.
    pub fn thrift(self) -> usize {
        match self.function {
            Function::Formula(_) | Function::Grid(_) => 1,
            Function::External(_) => 4,
        }
    }

    pub fn value(self, u: &DVector<f64>) -> f64 {
        if let Some(together) = self.together {
            return together.ask(u.as_slice()).0;
        }
        let mut value = [0.0];
        self.function.evaluate(u.as_slice(), &mut value, None);
        value[0]
    }

    pub fn with_gradient(self, u: &DVector<f64>) -> (f64, DVector<f64>) {
        if let Some(together) = self.together {
            let (value, gradient) = together.ask(u.as_slice());
            return (value, DVector::from_vec(gradient));
        }
        let (mut value, mut gradient) = ([0.0], DVector::zeros(u.len()));
        let slots = gradient.as_mut_slice();
        self.function
            .evaluate(u.as_slice(), &mut value, Some(slots));
        (value[0], gradient)
    }

    fn place(self, u: &DVector<f64>) -> String {
        self.function.coordinates().place(u.as_slice())
    }

    pub fn refused(self, message: String, help: &str) -> Refused {
        Refusal::new(self.function.key(), message, help)
    }

    pub fn infinite(self, u: &DVector<f64>) -> Refused {
        let message = format!("is +inf at {}", self.place(u));
        self.refused(
            message,
            "a log-density is below inf everywhere; check divisions and logarithms at this place",
        )
    }

    pub fn not_a_number(self, u: &DVector<f64>) -> Refused {
        let message = format!("is not a number at {}", self.place(u));
        self.refused(
            message,
            "say where a coordinate lives, as in support = { x1 = \"positive\" }, or write \
             if(condition, log-density, -inf)",
        )
    }

    pub fn nowhere(self, u: &DVector<f64>, count: usize) -> Refused {
        let message = format!(
            "is -inf or not a number at {} and at all {} other points that were tried",
            self.place(u),
            count - 1
        );
        self.refused(
            message,
            "the density is 0 there: shift and scale the coordinates, so that its mass is around 0 and \
             about as wide as 1",
        )
    }

    pub fn rising(self, u: &DVector<f64>) -> Refused {
        let message = format!(
            "cannot be normalised: it rises all the way to {}",
            self.place(u)
        );
        self.refused(
            message,
            "a density falls off in every direction: check its signs",
        )
    }

    pub fn flat(self, u: &DVector<f64>, axis: &DVector<f64>) -> Refused {
        let far = u + axis * 1e12;
        let message = format!(
            "cannot be normalised: from {} to {} it does not fall",
            self.place(u),
            self.place(&far)
        );
        self.refused(
            message,
            "a density falls off in every direction: check that every coordinate is in it, and its signs",
        )
    }

    pub fn without_integral(self, u: &DVector<f64>, power: f64) -> Refused {
        let message = format!(
            "cannot be normalised: around {} the density falls only like |x|^-{power:.3}, so that its \
             integral grows with the range",
            self.place(u),
        );
        self.refused(
            message,
            "it must fall faster than |x|^-1 in one dimension and than |x|^-D in D of them",
        )
    }
}
