"""Training: recipes, the loop, checkpoints, pictures, and the command line.

| file | what |
|---|---|
| gan.py | the recipe: every setting, and the step of algorithm 1 |
| loop.py, progress.py | batches into steps; what is shown meanwhile |
| runs.py, checkpoint.py | the run's folder; the file from which it goes on exactly |
| pictures.py, animation.py, neighbours.py, report.py | what one looks at |
| command.py | `python -m minigen.train` |
"""
