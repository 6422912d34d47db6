//! Python source with a `sklearn.mixture.GaussianMixture`.

use super::{Exported, python};

pub fn source(exported: &Exported) -> String {
    let title = exported.title();
    let parameters = python::parameters(exported, "np.array");
    format!(
        r#""""{title} for scikit-learn, written by klfit.

mixture() is a GaussianMixture as if it had been fitted: score_samples (log-densities in nats),
predict_proba, predict, score and sample work.
"""

import numpy as np
from scipy.linalg import solve_triangular
from sklearn.mixture import GaussianMixture

{parameters}

def mixture():
    """The mixture, as a fitted sklearn.mixture.GaussianMixture."""
    gm = GaussianMixture(n_components=len(WEIGHTS), covariance_type="full")
    gm.weights_ = WEIGHTS.copy()
    gm.means_ = MEANS.copy()
    gm.covariances_ = SCALE_TRILS @ SCALE_TRILS.transpose(0, 2, 1)
    # From the factors, not the covariances, which are rounded: upper triangular U with U U^T = covariance^-1.
    identity = np.eye(MEANS.shape[1])
    gm.precisions_cholesky_ = np.array(
        [solve_triangular(tril, identity, lower=True).T for tril in SCALE_TRILS]
    )
    gm.precisions_ = gm.precisions_cholesky_ @ gm.precisions_cholesky_.transpose(0, 2, 1)
    gm.n_features_in_ = MEANS.shape[1]
    # There were no rows that scikit-learn fitted it to.
    gm.converged_ = True
    gm.n_iter_ = 0
    gm.lower_bound_ = np.nan
    gm.lower_bounds_ = []
    return gm
"#
    )
}
