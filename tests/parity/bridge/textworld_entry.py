"""TextWorld behind Gymnasium's interface, for `survey.py`: an example of an entry that is not an environment of Gymnasium's."""
import os
import subprocess
import sys

import gymnasium
from gymnasium import spaces

# What is said at once, and to it.
MAX_OBS, MAX_COMMAND = 4096, 64


class Game(gymnasium.Env):
    """One game; the reward is what is added to the score."""

    observation_space = spaces.Text(MAX_OBS, min_length=0)
    action_space = spaces.Text(MAX_COMMAND, min_length=0)

    def __init__(self, path):
        import textworld.gym
        from textworld.gym.envs import TextworldGymEnv

        self.game, self.score = TextworldGymEnv([path]), 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.game.seed(seed)
        obs, info = self.game.reset()
        self.score = 0
        return obs[:MAX_OBS], info

    def step(self, action):
        obs, score, done, info = self.game.step(action)
        gained, self.score = score - self.score, score
        return obs[:MAX_OBS], float(gained), bool(done), False, info


def make(path):
    """The game at `path`, which is made first if it is not there."""
    if not os.path.exists(path):
        program = os.path.join(os.path.dirname(sys.executable), "tw-make")
        words = ["tw-simple", "--rewards", "dense", "--goal", "detailed", "--seed", "1", "--output", path]
        subprocess.run([program, *words], check=True, stdout=sys.stderr)
    return Game(path)
