//! Python source with a `torch.distributions.MixtureSameFamily`.

use super::{Exported, python};

pub fn source(exported: &Exported) -> String {
    let title = exported.title();
    let parameters = python::parameters(exported, "np.array");
    format!(
        r#""""{title} for PyTorch, written by klfit.

mixture() is a distribution: log_prob(x) in nats of points (..., D), sample(shape), mean, and gradients.
Points are in double precision, torch.float64, as the parameters are.
"""

import numpy as np
import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

{parameters}

def mixture(device=None):
    """The mixture, as a torch.distributions.MixtureSameFamily on a device."""
    weights, means, scale_trils = (
        torch.tensor(values, dtype=torch.float64, device=device)
        for values in (WEIGHTS, MEANS, SCALE_TRILS)
    )
    return MixtureSameFamily(
        # By logarithms: probabilities are clamped, and a small weight would not be what it is.
        Categorical(logits=weights.log()),
        MultivariateNormal(means, scale_tril=scale_trils),
    )
"#
    )
}
