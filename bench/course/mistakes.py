# %% exercise="standardise" mistake="only centres" hint="divide by the standard deviation"
def standardise(x):
    return x - x.mean()


# %% exercise="fit" mistake="ten steps" hint="a hundred steps"
def fit(x, y):
    w, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    for _ in range(10):
        loss = (w * x + b - y).square().mean()
        gradients = torch.autograd.grad(loss, (w, b))
        with torch.no_grad():
            w -= 0.1 * gradients[0]
            b -= 0.1 * gradients[1]
    return w.item(), b.item()
