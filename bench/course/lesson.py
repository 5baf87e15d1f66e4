# %% [markdown] lesson="00_line" title="A line" minutes=10 laptop_minutes=1 gpu_minutes=1
# You will be able to fit a line by gradient descent.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import torch

from lmcourse import check

check.lesson("00_line")

# %% tags=["parameters"]
preset = "laptop"

# %% [markdown] contract="standardise"
# `standardise(x: (N,)) -> (N,)`: the same numbers with mean 0 and standard deviation 1.


# %% exercise="standardise" minutes=2 level=1
def standardise(x):
    """Return x with mean 0 and standard deviation 1."""
    ### BEGIN SOLUTION
    centred = x - x.mean()
    return centred / centred.square().mean().sqrt()
    ### END SOLUTION


# %% check="standardise"
check("standardise")

# %% [markdown] contract="fit"
# `fit(x: (N,), y: (N,)) -> (w, b)`: the line that 100 steps of gradient descent find.


# %% exercise="fit" minutes=5 level=2
def fit(x, y):
    """Return the weight and the bias after 100 steps of gradient descent at rate 0.1."""
    ### BEGIN SOLUTION
    w, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    for _ in range(100):
        loss = (w * x + b - y).square().mean()
        gradients = torch.autograd.grad(loss, (w, b))
        with torch.no_grad():
            w -= 0.1 * gradients[0]
            b -= 0.1 * gradients[1]
    return w.item(), b.item()
    ### END SOLUTION


# %% check="fit"
check("fit")

# %%
x = standardise(torch.linspace(-3, 5, 200))
y = 2 * x + 1 + 0.1 * torch.sin(9 * x)
w, b = fit(x, y)
plt.scatter(x, y, s=4)
plt.plot(x, w * x + b, color="black")
plt.xlabel("x")
plt.ylabel("y")
plt.show()
