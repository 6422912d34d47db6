//! C99 that is C++ too, and needs nothing but the library of mathematics.
//!
//! The names begin with klfit, since macros and functions of C are in one space with all others of a program.

use super::numbers::{exact, row};
use super::{Exported, comment};

pub fn source(exported: &Exported) -> String {
    let q = &exported.q;
    let (components, dim) = (q.components(), q.dim());
    let title = exported.title();
    let names = comment::names(&exported.names);
    let (mut log_scales, mut means, mut factors) = (String::new(), String::new(), String::new());
    for ((weight, mean), factor) in (q.weights().iter()).zip(q.means()).zip(q.scale_trils()) {
        let log_det: f64 = factor.diagonal().iter().map(|entry| entry.ln()).sum();
        log_scales += &format!(
            "    {}, /* weight {} */\n",
            exact(weight.ln() - log_det - 0.5 * dim as f64 * std::f64::consts::TAU.ln()),
            exact(*weight)
        );
        means += &format!("    {{{}}},\n", row(mean.iter().copied()));
        factors += "    {\n";
        for i in 0..dim {
            let entries = row((0..=i).map(|j| factor[(i, j)]));
            factors += &format!("        {{{entries}}},\n");
        }
        factors += "    },\n";
    }
    format!(
        r#"/* {title} q, written by klfit. C99, and C++; link with -lm.
 *
 *   double klfit_log_density(const double x[]);
 *   void klfit_responsibilities(const double x[], double r[]);
 *
 * What the coordinates of x are called:
{names} */
#include <math.h>

#define KLFIT_D {dim} /* coordinates of x */
#define KLFIT_K {components} /* components */

/* Of each component log(weight) - log|L| - D/2 log(2 pi). */
static const double klfit_log_scales[KLFIT_K] = {{
{log_scales}}};

static const double klfit_means[KLFIT_K][KLFIT_D] = {{
{means}}};

/* Lower Cholesky factors L of the covariances L L^T: of each the rows up to the diagonal. */
static const double klfit_scale_trils[KLFIT_K][KLFIT_D][KLFIT_D] = {{
{factors}}};

/* log q(x) in nats, from the logarithms of its K terms, which it writes. */
static double klfit_terms(const double x[], double terms[]) {{
    double z[KLFIT_D], max = -HUGE_VAL, sum = 0.0;
    int k, i, j;
    for (k = 0; k < KLFIT_K; k++) {{
        terms[k] = klfit_log_scales[k];
        for (i = 0; i < KLFIT_D; i++) {{
            /* L z = x - mean, by substitution. */
            double known = 0.0;
            for (j = 0; j < i; j++) {{
                known += klfit_scale_trils[k][i][j] * z[j];
            }}
            z[i] = (x[i] - klfit_means[k][i] - known) / klfit_scale_trils[k][i][i];
            terms[k] -= 0.5 * z[i] * z[i];
        }}
        if (terms[k] > max) {{
            max = terms[k];
        }}
    }}
    if (max == -HUGE_VAL) {{
        return max;
    }}
    for (k = 0; k < KLFIT_K; k++) {{
        sum += exp(terms[k] - max);
    }}
    return max + log(sum);
}}

/* log q(x) in nats at a point of KLFIT_D coordinates; -infinity where q(x) is too small even for that. */
double klfit_log_density(const double x[]) {{
    double terms[KLFIT_K];
    return klfit_terms(x, terms);
}}

/* The probability r[k] of each of the KLFIT_K components given x: they sum to 1. All are NaN where the
   log-density is -infinity. */
void klfit_responsibilities(const double x[], double r[]) {{
    int k;
    const double log_density = klfit_terms(x, r);
    for (k = 0; k < KLFIT_K; k++) {{
        r[k] = exp(r[k] - log_density);
    }}
}}
"#
    )
}
