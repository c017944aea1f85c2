"""What is between the arrival of items and their handler: their pace, order and batches."""
