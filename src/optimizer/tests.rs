//! Every rule against its formula.
