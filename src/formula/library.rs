//! Functions that are formulas themselves.

/// A function by its formula.
pub(super) struct Defined {
    pub name: &'static str,
    pub parameters: &'static [&'static str],
    pub formula: &'static str,
}

macro_rules! defined {
    ($($name:ident($($parameter:ident),+) = $formula:literal;)+) => {
        &[$(Defined {
            name: stringify!($name),
            parameters: &[$(stringify!($parameter)),+],
            formula: $formula,
        }),+]
    };
}

/// All of them. Densities have Stan's names and parameters.
pub(super) const LIBRARY: &[Defined] = defined! {
    square(x) = "x^2";
    logit(x) = "log(x) - log1p(-x)";
    normal_lpdf(x, mean, std) = "-0.5*((x - mean)/std)^2 - log(std) - 0.5*log(2*pi)";
    lognormal_lpdf(x, mean, std) = "if(x > 0, normal_lpdf(log(x), mean, std) - log(x), -inf)";
    student_t_lpdf(x, dof, mean, scale) = "-(dof + 1)/2*log1p(((x - mean)/scale)^2/dof) -
        log(scale) + lgamma((dof + 1)/2) - lgamma(dof/2) - 0.5*log(pi*dof)";
    cauchy_lpdf(x, mean, scale) = "-log1p(((x - mean)/scale)^2) - log(scale) - log(pi)";
    laplace_lpdf(x, mean, scale) = "-abs(x - mean)/scale - log(2*scale)";
    logistic_lpdf(x, mean, scale) = "-abs(x - mean)/scale - 2*log1p(exp(-abs(x - mean)/scale)) - log(scale)";
    exponential_lpdf(x, rate) = "if(x >= 0, -rate*x, -inf) + log(rate)";
    gamma_lpdf(x, shape, rate) = "if(x > 0, (shape - 1)*log(x) - rate*x, -inf) + shape*log(rate) - lgamma(shape)";
    inv_gamma_lpdf(x, shape, scale) = "if(x > 0, -(shape + 1)*log(x) - scale/x, -inf) + shape*log(scale) - lgamma(shape)";
    weibull_lpdf(x, shape, scale) = "if(x > 0, (shape - 1)*log(x/scale) - (x/scale)^shape, -inf) + log(shape) - log(scale)";
    beta_lpdf(x, a, b) = "if(x > 0 and x < 1, (a - 1)*log(x) + (b - 1)*log1p(-x), -inf) + lgamma(a + b) - lgamma(a) - lgamma(b)";
    uniform_lpdf(x, from, to) = "if(x >= from and x <= to, 0, -inf) - log(to - from)";
    bernoulli_logit_lpmf(y, eta) = "y*eta - softplus(eta)";
    binomial_logit_lpmf(y, trials, eta) = "y*eta - trials*softplus(eta) +
        lgamma(trials + 1) - lgamma(y + 1) - lgamma(trials - y + 1)";
    poisson_log_lpmf(y, eta) = "y*eta - exp(eta) - lgamma(y + 1)";
};
