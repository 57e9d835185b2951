"""Names that stand inside the sentences of drift reports, each to be read in any language."""

from __future__ import annotations

from engines.sentence import say

EFFECT_WORDS = {
    "ks_distance": say("words.effect_ks_distance", "largest gap of the distribution functions"),
    "cramers_v": say("words.effect_cramers_v", "Cramer's V"),
    "missing_share": say("words.effect_missing_share", "change of the missing share"),
    "auc_shift": say("words.effect_auc_shift", "held-out AUC above one half"),
    "correlation": say("words.effect_correlation", "largest change of a correlation"),
}
JOINT_WORDS = {
    "correlation": say("words.test_correlation", "correlation"),
    "dependence": say("words.test_dependence", "dependence"),
    "domain_classifier": say("words.test_domain_classifier", "domain classifier"),
}
METRIC_WORDS = {
    "roc_auc": say("words.metric_roc_auc", "ROC AUC"),
    "accuracy": say("words.metric_accuracy", "accuracy"),
    "precision": say("words.metric_precision", "precision"),
    "recall": say("words.metric_recall", "recall"),
    "f1": say("words.metric_f1", "F1"),
}
TOO_LITTLE = say("words.too_little", ", too little to matter")
