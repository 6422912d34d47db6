// What the words on the page mean, for whoever rests on one.

/** @type {Record<string, string>} */
export const GLOSSARY = {
  "forward KL":
    "KL(p‖q) = ∫ p log(p/q): the mean of log p/q over p. Also called inclusive or mass-covering: q has to be wherever p is.",
  "reverse KL":
    "KL(q‖p) = ∫ q log(q/p): the mean of log q/p over q. Also called exclusive or mode-seeking: q has to keep away from where p is not.",
  "target p": "The density that is given: a mixture of Gaussians.",
  "approximation q": "The density that is fitted to p: a Gaussian, or a mixture of few of them.",
  nats: "The unit of divergences with natural logarithms: 1 nat is 1.44 bits.",
  "certainly within": "Bounds that the value surely lies between, whatever the rule that computed it missed.",
  integrand: "What is integrated: the area under its curve is the divergence.",
  landscape:
    "A divergence over two parameters of q: every point is a q, and light where that is close to p. Gradient descent goes down on it.",
  optimum:
    "A q from which every small step makes the divergence larger. There may be several, of which one is best.",
  basins: "The starts from which a fit ends at the same optimum.",
  starts:
    "A fit may end elsewhere from another q: with several starts each is fitted, and the best one counts.",
  mixture: "A weighted sum of Gaussians.",
  components: "The Gaussians that a mixture is a weighted sum of.",
  draws: "Random points of a density, whose average stands in for an integral over it.",
  quadrature: "Integrals as sums over well chosen points: exact to many digits in one and two dimensions.",
  pathwise: "A gradient through the draws, which move with q (reparametrization).",
  "score function":
    "A gradient through the density of q at draws that stay where they are (REINFORCE), less what the other draws have on average.",
  "sticking the landing":
    "The pathwise gradient without a part of it, through the density of q, that is 0 on average.",
  "learning rate": "How far a step of the optimizer goes.",
  Convergence: "How the divergence that each fit makes small falls, step by step.",
};
