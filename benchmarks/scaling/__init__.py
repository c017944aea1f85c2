"""How far a worker is scaled: a model of a day under KEDA's rule, and what queues carry."""
