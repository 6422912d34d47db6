# mclust's EM on the rows of a folder, from the start that klfit has: a line of JSON as peers.py prints them.
library(mclust)
folder <- commandArgs(trailingOnly = TRUE)[1]
rows <- as.matrix(read.csv(file.path(folder, "few.csv")))
k <- 3
start <- list(
  pro = rep(1 / k, k), mean = t(rows[1:k, ]),
  variance = mclustVariance("VVV", d = 2, G = k)
)
start$variance$sigma <- array(diag(2), c(2, 2, k))
start$variance$cholsigma <- start$variance$sigma
fit <- function() em(modelName = "VVV", data = rows, parameters = start, control = emControl(tol = 1e-10))
seconds <- min(replicate(5, system.time(fit())[["elapsed"]]))
found <- fit()
cat(sprintf(
  '{"work": "EM fit N=1e4 D=2 K=3", "us": %.1f, "result": %.15g, "steps": %d}\n',
  seconds * 1e6, found$loglik / nrow(rows), attr(found, "info")[["iterations"]]
))
