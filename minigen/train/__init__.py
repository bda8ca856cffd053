"""Training: recipes, the loop, checkpoints, pictures, and the command line.

| file | what |
|---|---|
| gan.py | the recipe: every setting, and the step of algorithm 1 |
| loop.py, announce.py, progress.py | batches into steps; what is told before and meanwhile |
| runs.py, checkpoint.py | the run's folder; the file from which it goes on exactly |
| pictures.py, neighbours.py, report.py | what one looks at |
| animation.py, gif.py, mp4.py | what moves |
| command.py, console.py | `python -m minigen.train`, and how a command meets the console |
"""
