# %% [markdown] lesson="00_arrays" title="Numbers in boxes" minutes=40 laptop_minutes=1 gpu_minutes=1
# By the end of this lesson you can
#
# - **compute** with whole tables of numbers, and write no loop,
# - **predict** the shape of what comes out,
# - **let** arrays of different shapes meet, which is called broadcasting.
#
# You need Python: functions, lists, loops. You need no NumPy.

# %% tags=["setup"]
import numpy as np

from numpy_basics import check

check.lesson("00_arrays")

# %% tags=["parameters"]
preset = "laptop"  # this course is so small that every preset does the same

# %% [markdown]
# ## How warm was the week?
#
# An **array** is a box of numbers with a **shape**. This one has a row for each day of a week and a column for each time of day: shape `(7, 4)`.

# %% tags=["nbval-check-output"]
celsius = np.array(
    [
        [4.0, 9.5, 13.0, 8.0],
        [3.5, 10.0, 14.5, 9.0],
        [6.0, 8.0, 9.0, 7.5],
        [7.0, 8.5, 8.0, 6.0],
        [2.0, 7.5, 12.0, 6.5],
        [1.5, 9.0, 15.5, 9.5],
        [5.0, 12.0, 18.0, 12.0],
    ]
)
print(celsius.shape)
print(celsius[0])  # the first day
print(celsius[:, 2])  # every afternoon

# %% [markdown]
# Arithmetic works on all numbers at once, and keeps the shape:

# %% tags=["nbval-check-output"]
print(celsius[0] + 100)
print(celsius[0] * 2)

# %% [markdown] contract="fahrenheit"
# `fahrenheit(celsius)` takes a float array of any shape, temperatures in degrees Celsius, and returns a new array of that shape with the same temperatures in degrees Fahrenheit: nine fifths as many, and 32 more. The array that it was given stays as it was.
#
# `fahrenheit(np.array([0.0, 100.0]))` is `[32.0, 212.0]`.


# %% exercise="fahrenheit" minutes=4 level=1
def fahrenheit(celsius):
    """Return temperatures, an array of any shape, in degrees Fahrenheit."""
    ### BEGIN SOLUTION
    return celsius * 9 / 5 + 32
    ### END SOLUTION


# %% check="fahrenheit"
check("fahrenheit")

# %% [markdown]
# ## Which axis goes away?
#
# `mean`, `sum`, `std` and `max` make one number of many. With `axis=` you say along which axis; that axis is gone afterwards.

# %% tags=["nbval-check-output"]
print(celsius.mean().round(2))  # one number for all
print(celsius.max(axis=1))  # the warmest time of each day
print(celsius.max(axis=1, keepdims=True).shape)  # the axis stays, with the size 1

# %% [markdown]
# When two arrays meet, NumPy writes their shapes one above the other, **flush right**, and compares them place by place. Two sizes fit when they are equal or when one of them is 1 or missing: that one is repeated. This is **broadcasting**. `x[:, None]` puts a new axis of size 1 in the second place.

# %% [markdown] contract="quiz"
# `x` has the shape `(7, 4)`, `p` has the shape `(5,)`, and `q` has the shape `(3,)`. Think first, then try it in a cell of your own. Answer with one letter, such as `answer_1 = "a"`.
#
# 1. What is the shape of `x.mean(axis=0)`? (a) `(7,)` (b) `(4,)` (c) `(1, 4)`
# 2. What is `x - x.mean(axis=1)`? (a) an error (b) of shape `(7, 4)` (c) of shape `(7,)`
# 3. What is the shape of `p[:, None] - q`? (a) `(3, 5)` (b) `(15,)` (c) `(5, 3)`

# %% exercise="quiz" minutes=5 level=2
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "a"
answer_3 = "c"
### END SOLUTION

# %% check="quiz"
check("quiz")

# %% [markdown]
# ## Is that much?
#
# Is a 15 far from the others? It depends on how far apart the others are. So one often **standardises** numbers: then 0 is the mean, and 1 is the standard deviation.

# %% [markdown] contract="standardise"
# `standardise(x)` takes a float array of shape `(N, D)`, a row for each thing and a column for each thing that was measured. It returns a new array of that shape, in which every **column** has the mean 0 and the standard deviation 1 (the one that divides by `N`, as `np.std` does). A column whose numbers are all the same becomes zeros. The array `x` itself stays as it was.
#
# `[[0, 10], [2, 50]]` becomes `[[-1, -1], [1, 1]]`.


# %% exercise="standardise" minutes=8 level=2
def standardise(x):
    """Return x, (N, D), with the mean 0 and the standard deviation 1 in each column."""
    ### BEGIN SOLUTION
    centred = x - x.mean(axis=0)
    spread = centred.std(axis=0)
    return centred / np.where(spread == 0, 1, spread)
    ### END SOLUTION


# %% check="standardise"
check("standardise")

# %% [markdown] fold="Hint 1: the shapes"
# The means of the columns have the shape `(D,)`. Flush right below `(N, D)`, that fits.

# %% [markdown] fold="Hint 2: columns of one number"
# Their deviation is 0. `np.where(condition, one, other)` chooses number by number.

# %% tags=["demo", "nbval-check-output"]
if check.ready("standardise"):
    print(standardise(celsius).round(1))

# %% [markdown]
# ## How far is it from each to each?
#
# A last puzzle, in which broadcasting does the work of two loops.

# %% [markdown] contract="distances"
# `distances(a, b)` takes two float arrays of points, of the shapes `(N, D)` and `(M, D)`, and returns an array of shape `(N, M)`: in row `i` and column `j`, how far `a[i]` is from `b[j]` in a straight line. That is the square root of the sum of the squared differences.
#
# `distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]]))` is `[[5.0, 1.0]]`.


# %% exercise="distances" minutes=12 level=3
def distances(a, b):
    """Return the distance of each point of a, (N, D), to each of b, (M, D): shape (N, M)."""
    ### BEGIN SOLUTION
    apart = a[:, None] - b
    return np.sqrt((apart**2).sum(axis=-1))
    ### END SOLUTION


# %% check="distances"
check("distances")

# %% [markdown] fold="Hint 1: three axes"
# Subtract first, and let the result have the shape `(N, M, D)`. `(N, 1, D)` and `(M, D)` meet in it.

# %% [markdown] fold="Hint 2: and then two"
# Which of the three axes should go away? Sum the squares over that one.

# %% tags=["demo", "nbval-check-output"]
if check.ready("distances"):
    apart = distances(celsius, celsius)
    print("The first two days are", apart[0, 1].round(1), "apart,")
    print("the first and the last", apart[0, 6].round(1))

# %% [markdown]
# ## What you have now

# %%
check.summary()
