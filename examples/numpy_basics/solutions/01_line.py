# %% [markdown] lesson="01_line" title="A line, step by step" minutes=40 laptop_minutes=1 gpu_minutes=1
# By the end of this lesson you can
#
# - **say** how wrong a line is, in one number,
# - **work out** which way that number falls,
# - **fit** a line by gradient descent, which is how large models are trained too.
#
# You need lesson 00, and from school that the slope of $e^2$ is $2e$.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from numpy_basics import check

check.lesson("01_line")

# %% tags=["parameters"]
preset = "laptop"  # this course is so small that every preset does the same

# %% carry="standardise"

# %% [markdown]
# ## Does more sun sell more ice?
#
# Here are sixty days of a kiosk: hours of sun, and how many ice creams it sold. The hours are standardised, as in lesson 00, because gradient descent likes numbers around 0.

# %%
rng = np.random.default_rng(7)
hours = rng.uniform(0, 14, 60)
sold = 12 + 3.5 * hours + rng.normal(0, 6, 60)
x, y = standardise(hours[:, None])[:, 0], sold

plt.figure(figsize=(6, 3.5))
plt.scatter(x, y, s=12)
plt.xlabel("hours of sun, standardised")
plt.ylabel("ice creams sold")
plt.show()

# %% [markdown]
# A line says `w * x + b`. How wrong it is, we measure by the mean of the squared errors: the **loss**.


# %% tags=["nbval-check-output"]
def loss(w, b, x, y):
    """Return the mean squared error of the line on the points."""
    return ((w * x + b - y) ** 2).mean()


for w, b in [(0.0, 0.0), (0.0, 40.0), (10.0, 40.0)]:
    print(f"w = {w:4}, b = {b:4}: loss {loss(w, b, x, y):7.1f}")

# %% [markdown]
# ## Which way is down?
#
# Change `w` a little: by how much does the loss change? That is the **gradient** of `w`. For one point, with the error $e = wx + b - y$, the chain rule gives $2e \cdot x$ for `w` and $2e$ for `b`.

# %% [markdown] contract="gradients"
# `gradients(w, b, x, y)` takes two numbers and two float arrays of shape `(N,)`, and returns a pair of numbers: the gradient of the loss above with respect to `w`, and the one with respect to `b`. For many points each is the mean of what the single points give.
#
# `gradients(0.0, 0.0, np.array([2.0]), np.array([3.0]))` is `(-12.0, -6.0)`.


# %% exercise="gradients" minutes=10 level=2
def gradients(w, b, x, y):
    """Return how fast the loss grows with w, and with b, on the points x and y, (N,)."""
    ### BEGIN SOLUTION
    error = w * x + b - y
    return 2 * (error * x).mean(), 2 * error.mean()
    ### END SOLUTION


# %% check="gradients" tags=["nbval-check-output"]
check("gradients")

# %% [markdown] fold="Hint: how to know that it is right"
# `(loss(w + 0.001, b, x, y) - loss(w, b, x, y)) / 0.001` must be nearly the first number.

# %% [markdown]
# ## A hundred steps
#
# **Gradient descent:** go a small step against the gradient, look again, go on. How small is the **rate**.

# %% [markdown] contract="fit"
# `fit(x, y, steps=100, rate=0.1)` starts at `w = 0.0` and `b = 0.0`. In each of the `steps` it asks `gradients` for both gradients where it stands, and then takes `rate` times its gradient away from `w`, and the same for `b`. It returns the pair `(w, b)`.
#
# On points of the line $2x + 1$, with `x` standardised, it returns very nearly `(2.0, 1.0)`.


# %% exercise="fit" minutes=12 level=3
def fit(x, y, steps=100, rate=0.1):
    """Return the line (w, b) that gradient descent finds for the points x and y, (N,)."""
    ### BEGIN SOLUTION
    w, b = 0.0, 0.0
    for _ in range(steps):
        of_w, of_b = gradients(w, b, x, y)
        w -= rate * of_w
        b -= rate * of_b
    return w, b
    ### END SOLUTION


# %% check="fit" tags=["nbval-check-output"]
check("fit")

# %% [markdown] fold="Hint: the loop"
# Three lines in a `for` loop: one asks for both gradients, the other two take the steps.

# %% tags=["demo"]
if check.ready("gradients", "fit"):
    ends = np.array([x.min(), x.max()])
    plt.figure(figsize=(6, 3.5))
    plt.scatter(x, y, s=12, label="a day")
    for steps in (1, 5, 100):
        w, b = fit(x, y, steps=steps)
        plt.plot(ends, w * ends + b, color="black", lw=0.5 + steps / 50, label=f"{steps} steps")
    plt.xlabel("hours of sun, standardised")
    plt.ylabel("ice creams sold")
    plt.legend()
    plt.show()

# %% [markdown]
# *Predict first:* what happens at rate 1.1?

# %% [markdown] fold="Answer: at rate 1.1?"
# Each step goes so far beyond the lowest point that the next one starts higher up. The loss grows without end. Try `fit(x, y, rate=1.1)`.

# %% tags=["demo", "nbval-check-output"]
if check.ready("gradients", "fit"):
    for steps in (0, 1, 10, 100):
        print(f"after {steps:3} steps the loss is {loss(*fit(x, y, steps=steps), x, y):7.1f}")

# %% [markdown]
# ## What you have now

# %% tags=["nbval-check-output"]
check.summary()
