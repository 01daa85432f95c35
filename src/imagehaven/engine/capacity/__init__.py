"""How many nodes, how long, how much: a plan from a site's own figures and measured rates."""

from imagehaven.engine.capacity.figures import Figures, figures_of, known_figures
from imagehaven.engine.capacity.model import Plan, plan_of

__all__ = ["Figures", "Plan", "figures_of", "known_figures", "plan_of"]
