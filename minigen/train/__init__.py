"""Training: recipes, the loop, checkpoints, pictures, and the command line.

| file | what |
|---|---|
| recipe.py, recipes.py | what every recipe is to the loop; the recipes by name |
| gan.py | the GAN: every setting, and the step of algorithm 1 |
| vae.py, vae_config.py, vae_networks.py | the VAE: its step, every setting, the networks these ask for |
| settings.py, sources.py, about.py | checks of settings; the data of a run, and what a checkpoint keeps of them |
| loop.py, announce.py, progress.py | batches into steps; what is told before and meanwhile |
| runs.py, checkpoint.py | the run's folder; the file from which it goes on exactly |
| album.py, album_vae.py, album_motion.py | which pictures a run leaves |
| pictures.py, charts.py, neighbours.py, table.py | still pictures, charts, measurements |
| stick.py, stick_cell.py, stick_figure.py | skeletons as pictures |
| report.py, report_parts.py, report_vae.py, html.py | the page to open first |
| animation.py, gif.py, mp4.py, loop_films.py | what moves, and what moves in loops |
| command.py | `python -m minigen.train` |
"""
