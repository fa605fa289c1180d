"""What one visit's value of a trait is worth, as measured; made by a script.

380 simulated visits: true places with 10 cm of noise, broken tracks and missed reads through
the agent's own code, beside the same formulas on the truth. What is not to be trusted alone is for
means over many visits. Again: ``python tests/figures/traits.py --write``.
"""

from __future__ import annotations

from collections.abc import Mapping

TRUST: Mapping[str, str] = {
    "duration_s": "good (r 1.00, bias 0.13 of a mean of 142)",
    "path_m": "good (r 1.00, bias -0.6 of a mean of 59.2)",
    "moving_speed_m_s": "good, biased (r 0.96, bias -0.095 of a mean of 0.918)",
    "excess_path": "fair (r 0.88, bias -0.071 of a mean of 1.94)",
    "straightness": "fair, biased (r 0.85, bias 0.099 of a mean of 0.72)",
    "sinuosity": "not to be trusted alone, biased (r 0.65, bias -0.23 of a mean of 0.514)",
    "zone_entropy": "good (r 0.99, bias -0.00012 of a mean of 0.611)",
    "revisits": "good (r 0.97, bias -0.004 of a mean of 0.191)",
    "coverage": "good (r 0.99, bias -0.0016 of a mean of 0.695)",
    "promo_zone_share": "good (r 0.98, bias -0.0023 of a mean of 0.11)",
    "entrance_used": "not measured: too few, or always the same in the simulated store",
    "party": "good (r 0.96, bias 0.013 of a mean of 1.3)",
    "carrying": "not measured: too few, or always the same in the simulated store",
    "stops": "good, biased (r 0.91, bias 0.38 of a mean of 3.21)",
    "stop_s": "good (r 0.96, bias -0.68 of a mean of 16.7)",
    "engaged_s": "good (r 0.99, bias 2.5 of a mean of 53.8)",
    "decision_s": "good (r 0.95, bias -0.13 of a mean of 13.6)",
    "decision_ratio": "good (r 0.95, bias -0.013 of a mean of 1.36)",
    "reapproaches": "fair, biased (r 0.77, bias 0.053 of a mean of 0.0842)",
    "picks": "fair (r 0.87, bias -0.028 of a mean of 0.229)",
    "put_backs": "fair (r 0.89, bias -0.0056 of a mean of 0.0342)",
    "put_back_ratio": "fair (r 0.88, bias 0.0014 of a mean of 0.463)",
    "kept": "good (r 0.96, bias -0.0013 of a mean of 0.458)",
    "sold": "fair (r 0.87, bias -0.027 of a mean of 0.195)",
    "momentum": "fair (r 0.84, bias -0.025 of a mean of 0.424)",
    "till_wait_s": "good (r 0.93, bias -0.52 of a mean of 35.6)",
    "basket_size": "fair (r 0.86, bias -0.023 of a mean of 0.195)",
    "basket_value": "fair (r 0.85, bias -0.36 of a mean of 3.6)",
    "value_band": "fair (r 0.82, bias -0.021 of a mean of 0.179)",
    "promo_picks": "fair, biased (r 0.84, bias -0.064 of a mean of 0.287)",
    "promo_lift": "fair, biased (r 0.84, bias -0.064 of a mean of -0.0466)",
    "price_tier": "good (r 0.94, bias 0.0064 of a mean of 0.538)",
    "premium_share": "good (r 0.93, bias 0.031 of a mean of 0.393)",
    "basket_children": "fair, biased (r 0.81, bias -0.13 of a mean of 0.508)",
    "basket_ready_to_eat": "fair (r 0.90, bias -0.026 of a mean of 0.361)",
    "basket_fitness": "fair, biased (r 0.84, bias -0.11 of a mean of 0.574)",
    "basket_formal": "good (r 0.96, bias -0.04 of a mean of 0.328)",
    "basket_organic": "fair (r 0.87, bias -0.039 of a mean of 0.393)",
}
