"""The words of the project as types: arrays, targets, evidence, layers, verdicts, errors."""
