//! A program in Stan that samples the mixture, and functions for others.
//!
//! The parameters are in functions, since a function sees nothing of its program, and since those without arguments
//! are of plain numbers: as local variables of the density they would be differentiated with x. They are flat
//! arrays, since a C++ compiler takes long over large literals of matrices.

use super::numbers::row;
use super::{Exported, comment};

pub fn source(exported: &Exported) -> String {
    let q = &exported.q;
    let (components, dim) = (q.components(), q.dim());
    let title = exported.title();
    let names = comment::names(&exported.names);
    let weights = row(q.weights().iter().copied());
    let means: Vec<String> = (q.means().iter())
        .map(|mean| format!("      {}", row(mean.iter().copied())))
        .collect();
    let means = means.join(",\n");
    let rows: Vec<String> = (q.scale_trils().iter())
        .flat_map(|factor| (0..dim).map(move |i| (factor, i)))
        .map(|(factor, i)| format!("      {}", row((0..=i).map(|j| factor[(i, j)]))))
        .collect();
    let rows = rows.join(",\n");
    let (all_means, all_entries) = (components * dim, components * dim * (dim + 1) / 2);
    format!(
        r#"/* {title} q for Stan 2.33 or later, written by klfit.
 *
 * This program samples q. In another model, paste the functions and write
 *   target += mixture_lpdf(x | );
 * or x ~ mixture(); for a vector x, which may be a transformed parameter.
 *
 * What the coordinates of x are called:
{names} */
functions {{
  // log of the K weights.
  vector mixture_log_weights() {{
    return log([{weights}]');
  }}

  // The K means, a row each.
  array[] vector mixture_means() {{
    array[{all_means}] real entries = {{
{means}
    }};
    array[{components}] vector[{dim}] means;
    for (k in 1:{components}) {{
      for (i in 1:{dim}) {{
        means[k, i] = entries[(k - 1) * {dim} + i];
      }}
    }}
    return means;
  }}

  // The K lower Cholesky factors of the covariances: of each the rows up to the diagonal.
  array[] matrix mixture_scale_trils() {{
    array[{all_entries}] real entries = {{
{rows}
    }};
    array[{components}] matrix[{dim}, {dim}] scale_trils = rep_array(rep_matrix(0.0, {dim}, {dim}), {components});
    int at = 1;
    for (k in 1:{components}) {{
      for (i in 1:{dim}) {{
        for (j in 1:i) {{
          scale_trils[k, i, j] = entries[at];
          at += 1;
        }}
      }}
    }}
    return scale_trils;
  }}

  // log q(x) in nats of a mixture with these parameters.
  real mixture_log_density(vector x, vector log_weights, array[] vector means,
                           array[] matrix scale_trils) {{
    vector[size(means)] terms;
    for (k in 1:size(means)) {{
      // By substitution, not by an inverse: nothing is lost of a component that is nearly singular.
      terms[k] = log_weights[k] - 0.5 * dot_self(mdivide_left_tri_low(scale_trils[k], x - means[k]))
                 - sum(log(diagonal(scale_trils[k])));
    }}
    return log_sum_exp(terms) - 0.5 * num_elements(x) * log(2 * pi());
  }}

  // log q(x) in nats.
  real mixture_lpdf(vector x) {{
    return mixture_log_density(x, mixture_log_weights(), mixture_means(), mixture_scale_trils());
  }}
}}
parameters {{
  vector[{dim}] x;
}}
model {{
  target += mixture_lpdf(x | );
}}
"#
    )
}
