# %% exercise="MultiHeadAttention" mistake="layers with a bias" hint="bias=False"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        self.project = nn.Linear(channels, channels)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(y.transpose(1, 2).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="heads as wide as the stream" hint="nn.Linear(channels, channels"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels * heads, bias=False)
        self.key = nn.Linear(channels, channels * heads, bias=False)
        self.value = nn.Linear(channels, channels * heads, bias=False)
        self.project = nn.Linear(channels * heads, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, C).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, C).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, C).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(y.transpose(1, 2).reshape(B, T, -1))


# %% exercise="MultiHeadAttention" mistake="no project" hint="Four layers"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return y.transpose(1, 2).reshape(B, T, C)


# %% exercise="MultiHeadAttention" mistake="forgets to project" hint="`project` is applied"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return y.transpose(1, 2).reshape(B, T, C)


# %% exercise="MultiHeadAttention" mistake="heads not put side by side" hint="put the heads side by side again"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)


# %% exercise="MultiHeadAttention" mistake="heads not transposed back" hint="transpose(1, 2) once more"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(y.reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="returns nothing" hint="`return` is missing"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        self.project(y.transpose(1, 2).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="reshapes straight into heads, comes back right" hint="On the way in"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        d = C // self.heads
        q = self.query(x).reshape(B, self.heads, T, d)
        k = self.key(x).reshape(B, self.heads, T, d)
        v = self.value(x).reshape(B, self.heads, T, d)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(y.transpose(1, 2).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="takes the values from the keys" hint="values from value"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(y.transpose(1, 2).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="no mask" hint="itself and back"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.project(y.transpose(1, 2).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="masks after the softmax" hint="before the softmax"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        d = C // self.heads
        q = self.query(x).reshape(B, T, self.heads, d).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, d).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, d).transpose(1, 2)
        weights = (q @ k.transpose(-2, -1) / math.sqrt(d)).softmax(dim=-1)
        y = weights.masked_fill(~causal_mask(T), 0.0) @ v
        return self.project(y.transpose(1, 2).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="softmax over the queries" hint="over the keys, the last axis"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        d = C // self.heads
        q = self.query(x).reshape(B, T, self.heads, d).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, d).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, d).transpose(1, 2)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        weights = scores.masked_fill(~causal_mask(T), -math.inf).softmax(dim=-2)
        return self.project((weights @ v).transpose(1, 2).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="reshapes straight into heads" hint="(B, T, heads, d) first"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, self.heads, T, -1)
        k = self.key(x).reshape(B, self.heads, T, -1)
        v = self.value(x).reshape(B, self.heads, T, -1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(y.reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="no transpose on the way in" hint="comes transpose(1, 2)"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1)
        k = self.key(x).reshape(B, T, self.heads, -1)
        v = self.value(x).reshape(B, T, self.heads, -1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(y.reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="no scaling" hint="the square root of d"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        d = C // self.heads
        q = self.query(x).reshape(B, T, self.heads, d).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, d).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, d).transpose(1, 2)
        scores = q @ k.transpose(-2, -1)
        weights = scores.masked_fill(~causal_mask(T), -math.inf).softmax(dim=-1)
        return self.project((weights @ v).transpose(1, 2).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="scales by all channels" hint="not by that of all channels"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        d = C // self.heads
        q = self.query(x).reshape(B, T, self.heads, d).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, d).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, d).transpose(1, 2)
        scores = q @ k.transpose(-2, -1) / math.sqrt(C)
        weights = scores.masked_fill(~causal_mask(T), -math.inf).softmax(dim=-1)
        return self.project((weights @ v).transpose(1, 2).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="scales twice" hint="a second time"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        d = C // self.heads
        q = self.query(x).reshape(B, T, self.heads, d).transpose(1, 2) / math.sqrt(d)
        k = self.key(x).reshape(B, T, self.heads, d).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, d).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(y.transpose(1, 2).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="heads interleaved" hint="(B, T, d, heads)"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, -1, self.heads).permute(0, 3, 1, 2)
        k = self.key(x).reshape(B, T, -1, self.heads).permute(0, 3, 1, 2)
        v = self.value(x).reshape(B, T, -1, self.heads).permute(0, 3, 1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(y.permute(0, 2, 3, 1).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="query and key swapped" hint="the order of the arguments"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(k, q, v, is_causal=True)
        return self.project(y.transpose(1, 2).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="dropout at evaluation" hint="only in training"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout, is_causal=True)
        p = self.dropout if self.training else 0.0
        return F.dropout(self.project(y.transpose(1, 2).reshape(B, T, C)), p)


# %% exercise="MultiHeadAttention" mistake="no dropout on the weights" hint="dropout_p=p"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return F.dropout(self.project(y.transpose(1, 2).reshape(B, T, C)), p)


# %% exercise="MultiHeadAttention" mistake="no dropout after project" hint="F.dropout(..., p)"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=True)
        return self.project(y.transpose(1, 2).reshape(B, T, C))


# %% exercise="MultiHeadAttention" mistake="dropout before project" hint="and not what goes into it"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        p = self.dropout if self.training else 0.0
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=True)
        return self.project(F.dropout(y.transpose(1, 2).reshape(B, T, C), p))


# %% exercise="MultiHeadAttention" mistake="cuts the slopes off" hint="no .detach()"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        q = self.query(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        k = self.key(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        v = self.value(x).reshape(B, T, self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=True).detach()
        return F.dropout(self.project(y.transpose(1, 2).reshape(B, T, C)), p)


# %% exercise="positional_encoding" mistake="a row for each channel" hint="(T, channels)"
def positional_encoding(T, channels):
    rates = 10000 ** (-torch.arange(0, channels, 2) / channels)
    angles = torch.arange(T).reshape(T, 1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).reshape(T, channels).T


# %% exercise="positional_encoding" mistake="returns nothing" hint="is a `return` missing"
def positional_encoding(T, channels):
    angles = torch.arange(T).reshape(T, 1) * 10000 ** (-torch.arange(0, channels, 2) / channels)
    encoding = torch.zeros(T, channels)
    encoding[:, 0::2], encoding[:, 1::2] = angles.sin(), angles.cos()


# %% exercise="positional_encoding" mistake="float64 in torch" hint="A tensor of float32"
def positional_encoding(T, channels):
    angles = torch.arange(T).reshape(T, 1) * 10000 ** (-torch.arange(0, channels, 2) / channels)
    encoding = torch.zeros(T, channels, dtype=torch.float64)
    encoding[:, 0::2], encoding[:, 1::2] = angles.sin(), angles.cos()
    return encoding


# %% exercise="positional_encoding" mistake="float64 from numpy" hint=".float() leads there"
def positional_encoding(T, channels):
    import numpy as np

    table = np.zeros((T, channels))
    for t in range(T):
        for i in range(channels // 2):
            angle = t * 10000 ** (-2 * i / channels)
            table[t, 2 * i], table[t, 2 * i + 1] = np.sin(angle), np.cos(angle)
    return torch.from_numpy(table)


# %% exercise="positional_encoding" mistake="counts from 1" hint="counted from 0"
def positional_encoding(T, channels):
    rates = 10000 ** (-torch.arange(0, channels, 2) / channels)
    angles = torch.arange(1, T + 1).reshape(T, 1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).reshape(T, channels)


# %% exercise="positional_encoding" mistake="cosines in the even columns" hint="row 0 has sin(0) = 0"
def positional_encoding(T, channels):
    rates = 10000 ** (-torch.arange(0, channels, 2) / channels)
    angles = torch.arange(T).reshape(T, 1) * rates
    encoding = torch.zeros(T, channels)
    encoding[:, 0::2] = angles.cos()
    encoding[:, 1::2] = angles.sin()
    return encoding


# %% exercise="positional_encoding" mistake="all sines first" hint="Not all sines first"
def positional_encoding(T, channels):
    rates = 10000 ** (-torch.arange(0, channels, 2) / channels)
    angles = torch.arange(T).reshape(T, 1) * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


# %% exercise="positional_encoding" mistake="a cosine has a rate of its own" hint="with the same rate"
def positional_encoding(T, channels):
    rates = 10000 ** (-torch.arange(channels) / channels)
    angles = torch.arange(T).reshape(T, 1) * rates
    encoding = torch.zeros(T, channels)
    encoding[:, 0::2] = angles[:, 0::2].sin()
    encoding[:, 1::2] = angles[:, 1::2].cos()
    return encoding


# %% exercise="positional_encoding" mistake="the exponent lacks its 2" hint="-2i / channels"
def positional_encoding(T, channels):
    rates = 10000 ** (-torch.arange(channels // 2) / channels)
    angles = torch.arange(T).reshape(T, 1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).reshape(T, channels)


# %% exercise="positional_encoding" mistake="doubles the exponent" hint="2i is the number of the even column"
def positional_encoding(T, channels):
    rates = 10000 ** (-2 * torch.arange(0, channels, 2) / channels)
    angles = torch.arange(T).reshape(T, 1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).reshape(T, channels)


# %% exercise="positional_encoding" mistake="the clocks get faster" hint="Mind the minus sign"
def positional_encoding(T, channels):
    rates = 10000 ** (torch.arange(0, channels, 2) / channels)
    angles = torch.arange(T).reshape(T, 1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).reshape(T, channels)


# %% exercise="LayerNorm" mistake="no weight and no bias" hint="Two parameters"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps

    def forward(self, x):
        variance = x.var(dim=-1, correction=0, keepdim=True)
        return (x - x.mean(dim=-1, keepdim=True)) / torch.sqrt(variance + self.eps)


# %% exercise="LayerNorm" mistake="plain tensors" hint="nn.Parameter"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = torch.ones(channels, requires_grad=True)
        self.bias = torch.zeros(channels, requires_grad=True)

    def forward(self, x):
        variance = x.var(dim=-1, correction=0, keepdim=True)
        y = (x - x.mean(dim=-1, keepdim=True)) / torch.sqrt(variance + self.eps)
        return y * self.weight + self.bias


# %% exercise="LayerNorm" mistake="weight begins at zero" hint="ones and zeros at first"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        variance = x.var(dim=-1, correction=0, keepdim=True)
        y = (x - x.mean(dim=-1, keepdim=True)) / torch.sqrt(variance + self.eps)
        return y * self.weight + self.bias


# %% exercise="LayerNorm" mistake="calls torch's" hint="write layer_norm yourself"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


# %% exercise="LayerNorm" mistake="returns nothing" hint="`return` is missing"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        variance = x.var(dim=-1, correction=0, keepdim=True)
        y = (x - mean) / torch.sqrt(variance + self.eps) * self.weight + self.bias


# %% exercise="LayerNorm" mistake="changes the stream itself" hint="change the tensor itself"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        x -= x.mean(dim=-1, keepdim=True)
        variance = (x**2).mean(dim=-1, keepdim=True)
        return x / torch.sqrt(variance + self.eps) * self.weight + self.bias


# %% exercise="LayerNorm" mistake="normalises over the batch" hint="over its channels"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        variance = x.var(dim=0, correction=0, keepdim=True)
        y = (x - x.mean(dim=0, keepdim=True)) / torch.sqrt(variance + self.eps)
        return y * self.weight + self.bias


# %% exercise="LayerNorm" mistake="normalises over time" hint="dim=-1, the last axis"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        variance = x.var(dim=1, correction=0, keepdim=True)
        y = (x - x.mean(dim=1, keepdim=True)) / torch.sqrt(variance + self.eps)
        return y * self.weight + self.bias


# %% exercise="LayerNorm" mistake="normalises over everything" hint="Each position is normalised by itself"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        y = (x - x.mean()) / torch.sqrt(x.var(correction=0) + self.eps)
        return y * self.weight + self.bias


# %% exercise="LayerNorm" mistake="forgets keepdim" hint="keepdim=True"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        y = (x - x.mean(dim=-1)) / torch.sqrt(x.var(dim=-1, correction=0) + self.eps)
        return y * self.weight + self.bias


# %% exercise="LayerNorm" mistake="divides by C - 1" hint="correction=0"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        variance = x.var(dim=-1, keepdim=True)
        y = (x - x.mean(dim=-1, keepdim=True)) / torch.sqrt(variance + self.eps)
        return y * self.weight + self.bias


# %% exercise="LayerNorm" mistake="divides by the variance" hint="the root of the variance"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        variance = x.var(dim=-1, correction=0, keepdim=True)
        y = (x - x.mean(dim=-1, keepdim=True)) / (variance + self.eps)
        return y * self.weight + self.bias


# %% exercise="LayerNorm" mistake="eps outside the root" hint="under the root"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        spread = x.std(dim=-1, correction=0, keepdim=True)
        y = (x - x.mean(dim=-1, keepdim=True)) / (spread + self.eps)
        return y * self.weight + self.bias


# %% exercise="LayerNorm" mistake="no eps" hint="eps is added to the variance"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        spread = x.std(dim=-1, correction=0, keepdim=True)
        return (x - x.mean(dim=-1, keepdim=True)) / spread * self.weight + self.bias


# %% exercise="LayerNorm" mistake="weight and bias are not used" hint="times self.weight"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        variance = x.var(dim=-1, correction=0, keepdim=True)
        return (x - x.mean(dim=-1, keepdim=True)) / torch.sqrt(variance + self.eps)


# %% exercise="LayerNorm" mistake="the bias before the weight" hint="times self.weight, plus self.bias"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        variance = x.var(dim=-1, correction=0, keepdim=True)
        y = (x - x.mean(dim=-1, keepdim=True)) / torch.sqrt(variance + self.eps)
        return (y + self.bias) * self.weight


# %% exercise="LayerNorm" mistake="counts the axes from the front" hint="count from the end"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        axis = 2 if x.ndim == 3 else 1
        variance = x.var(dim=axis, correction=0, keepdim=True)
        y = (x - x.mean(dim=axis, keepdim=True)) / torch.sqrt(variance + self.eps)
        return y * self.weight + self.bias


# %% exercise="FeedForward" mistake="only twice as wide" hint="4 * channels"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 2 * channels)
        self.shrink = nn.Linear(2 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        return F.dropout(self.shrink(F.gelu(self.expand(x))), p)


# %% exercise="FeedForward" mistake="no bias" hint="both with a bias"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels, bias=False)
        self.shrink = nn.Linear(4 * channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        return F.dropout(self.shrink(F.gelu(self.expand(x))), p)


# %% exercise="FeedForward" mistake="no activation" hint="not none"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        return F.dropout(self.shrink(self.expand(x)), p)


# %% exercise="FeedForward" mistake="ReLU" hint="not ReLU"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        return F.dropout(self.shrink(F.relu(self.expand(x))), p)


# %% exercise="FeedForward" mistake="the tanh form of GELU" hint="as it is"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        return F.dropout(self.shrink(F.gelu(self.expand(x), approximate="tanh")), p)


# %% exercise="FeedForward" mistake="returns nothing" hint="`return` is missing"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        self.shrink(F.gelu(self.expand(x)))


# %% exercise="FeedForward" mistake="forgets to shrink" hint="expand, then shrink"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        return F.gelu(self.expand(x))


# %% exercise="FeedForward" mistake="GELU at the end" hint="not behind shrink"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        return F.dropout(F.gelu(self.shrink(self.expand(x))), p)


# %% exercise="FeedForward" mistake="adds to the stream itself" hint="added in the block, not here"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        return x + F.dropout(self.shrink(F.gelu(self.expand(x))), p)


# %% exercise="FeedForward" mistake="dropout at evaluation" hint="only in training"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        return F.dropout(self.shrink(F.gelu(self.expand(x))), self.dropout)


# %% exercise="FeedForward" mistake="no dropout" hint="Dropout comes last"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        return self.shrink(F.gelu(self.expand(x)))


# %% exercise="FeedForward" mistake="dropout in the middle" hint="what shrink gives"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        return self.shrink(F.dropout(F.gelu(self.expand(x)), p))


# %% exercise="dropout" mistake="drops at evaluation, too" hint="In evaluation nothing is dropped"
def dropout(x, p, training=True):
    return x * (torch.rand_like(x) >= p) / (1 - p)


# %% exercise="dropout" mistake="calls torch's" hint="write dropout yourself"
def dropout(x, p, training=True):
    return F.dropout(x, p, training)


# %% exercise="dropout" mistake="returns nothing" hint="is a `return` missing"
def dropout(x, p, training=True):
    if training:
        x = x * (torch.rand_like(x) >= p) / (1 - p)


# %% exercise="dropout" mistake="drops in place" hint="change the tensor itself"
def dropout(x, p, training=True):
    if not training:
        return x
    x[torch.rand(x.shape) < p] = 0
    x /= 1 - p
    return x


# %% exercise="dropout" mistake="makes it smaller at evaluation" hint="nothing is made larger"
def dropout(x, p, training=True):
    if not training:
        return x * (1 - p)
    return x * (torch.rand_like(x) >= p)


# %% exercise="dropout" mistake="does not make up for it" hint="divided by 1 - p"
def dropout(x, p, training=True):
    if not training:
        return x
    return x * (torch.rand_like(x) >= p)


# %% exercise="dropout" mistake="divides by p" hint="is divided by 1"
def dropout(x, p, training=True):
    if not training:
        return x
    return x * (torch.rand_like(x) >= p) / p


# %% exercise="dropout" mistake="multiplies in place of dividing" hint="divided by 1 - p"
def dropout(x, p, training=True):
    if not training:
        return x
    return x * (torch.rand_like(x) >= p) * (1 - p)


# %% exercise="dropout" mistake="p is the share that stays" hint="not the share that stays"
def dropout(x, p, training=True):
    if not training:
        return x
    return x * (torch.rand_like(x) < p) / (1 - p)


# %% exercise="dropout" mistake="drops half, whatever p is" hint="p = 0 every number stays"
def dropout(x, p, training=True):
    if not training:
        return x
    return x * (torch.rand_like(x) >= 0.5) / (1 - p)


# %% exercise="dropout" mistake="normal random numbers" hint="p = 0 every number stays"
def dropout(x, p, training=True):
    if not training:
        return x
    return x * (torch.randn_like(x) >= p) / (1 - p)


# %% exercise="dropout" mistake="one draw for the whole row" hint="on its own"
def dropout(x, p, training=True):
    if not training:
        return x
    return x * (torch.rand(x.shape[-1]) >= p) / (1 - p)


# %% exercise="dropout" mistake="sets a seed" hint="A seed inside the function"
def dropout(x, p, training=True):
    if not training:
        return x
    torch.manual_seed(0)
    return x * (torch.rand_like(x) >= p) / (1 - p)


# %% exercise="dropout" mistake="drops a fixed number" hint="left to chance"
def dropout(x, p, training=True):
    if not training:
        return x
    n = x.numel()
    stays = torch.randperm(n) >= round(p * n)
    return x * stays.reshape(x.shape) / (1 - p)


# %% exercise="dropout" mistake="training has no default" hint="Keep the signature"
def dropout(x, p, training=False):
    if not training:
        return x
    return x * (torch.rand_like(x) >= p) / (1 - p)


# %% exercise="dropout" mistake="drops the small ones" hint="drawn by chance"
def dropout(x, p, training=True):
    if not training or p == 0:
        return x
    return x * (x.abs() >= x.abs().quantile(p)) / (1 - p)


# %% exercise="Block" mistake="one norm for both" hint="two norms are two modules"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = self.norm1
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


# %% exercise="Block" mistake="returns nothing" hint="`return` is missing"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        x = x + self.feed_forward(self.norm2(x))


# %% exercise="Block" mistake="adds in place" hint="x = x + ..."
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x += self.attention(self.norm1(x))
        x += self.feed_forward(self.norm2(x))
        return x


# %% exercise="Block" mistake="adds the second half in place" hint="inplace operation"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        x += self.feed_forward(self.norm2(x))
        return x


# %% exercise="Block" mistake="no residual at all" hint="Each half ADDS"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = self.attention(self.norm1(x))
        return self.feed_forward(self.norm2(x))


# %% exercise="Block" mistake="the second half forgets the stream" hint="Each half ADDS"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return self.feed_forward(self.norm2(x))


# %% exercise="Block" mistake="the first half forgets the stream" hint="the half replaces it"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


# %% exercise="Block" mistake="the norm behind the sum" hint="Not norm1(x + attention(x))"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.feed_forward(x))


# %% exercise="Block" mistake="normalises the stream itself" hint="never normalised"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = self.norm1(x)
        x = x + self.attention(x)
        x = self.norm2(x)
        return x + self.feed_forward(x)


# %% exercise="Block" mistake="adds the normalised stream" hint="never normalised"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        read = self.norm1(x)
        x = read + self.attention(read)
        read = self.norm2(x)
        return read + self.feed_forward(read)


# %% exercise="Block" mistake="attention reads the loud stream" hint="Attention reads norm1"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(x)
        return x + self.feed_forward(self.norm2(x))


# %% exercise="Block" mistake="the norm behind the part" hint="attention(norm1(x))"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.norm1(self.attention(x))
        return x + self.norm2(self.feed_forward(x))


# %% exercise="Block" mistake="uses norm1 twice" hint="not norm1 a second time"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm1(x))


# %% exercise="Block" mistake="both halves side by side" hint="to which attention has already added"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        return x + self.attention(self.norm1(x)) + self.feed_forward(self.norm2(x))


# %% exercise="Block" mistake="feed-forward first" hint="attention first"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.feed_forward(self.norm2(x))
        return x + self.attention(self.norm1(x))


# %% exercise="Block" mistake="always one head" hint="Hand the number of heads on"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, 1, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


# %% exercise="Block" mistake="no dropout in attention" hint="Hand dropout on to attention"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


# %% exercise="Block" mistake="no dropout in feed_forward" hint="Hand dropout on to feed_forward"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


# %% exercise="MultiHeadAttention" mistake="heads joined in reverse" hint="in their order"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
        together = found.transpose(1, 2).flip(2).reshape(B, T, C)
        return F.dropout(self.project(together), p)


# %% exercise="MultiHeadAttention" mistake="ignores the number of heads" hint="there must be `heads` of them"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, 1, C)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
        together = found.transpose(1, 2).reshape(B, T, C)
        return F.dropout(self.project(together), p)


# %% exercise="MultiHeadAttention" mistake="adds the stream itself" hint="added in the block, not here"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
        together = found.transpose(1, 2).reshape(B, T, C)
        return x + F.dropout(self.project(together), p)


# %% exercise="MultiHeadAttention" mistake="drops without p" hint="without p it drops half"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
        together = found.transpose(1, 2).reshape(B, T, C)
        return F.dropout(self.project(together))


# %% exercise="MultiHeadAttention" mistake="drops the result twice" hint="dropped, once"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
        together = found.transpose(1, 2).reshape(B, T, C)
        return F.dropout(F.dropout(self.project(together), p), p)


# %% exercise="MultiHeadAttention" mistake="drops what goes into project, too" hint="Nothing else is dropped"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
        together = found.transpose(1, 2).reshape(B, T, C)
        return F.dropout(self.project(F.dropout(together, p)), p)


# %% exercise="MultiHeadAttention" mistake="always drops half" hint="dropout_p=p"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(
            query, key, value, dropout_p=0.5 if p else 0.0, is_causal=True
        )
        together = found.transpose(1, 2).reshape(B, T, C)
        return F.dropout(self.project(together), 0.5 if p else 0.0)


# %% exercise="MultiHeadAttention" mistake="looks only at those before" hint="itself and those before"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(
            query,
            key,
            value,
            dropout_p=p,
            attn_mask=torch.ones(T, T, dtype=torch.bool).tril(-1)
            | torch.eye(T, dtype=torch.bool) * (torch.arange(T) == 0),
        )
        together = found.transpose(1, 2).reshape(B, T, C)
        return F.dropout(self.project(together), p)


# %% exercise="MultiHeadAttention" mistake="attends over the texts" hint="read by itself"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        query, key, value = (z.transpose(0, 2) for z in (query, key, value))
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
        together = found.transpose(0, 2).transpose(1, 2).reshape(B, T, C)
        return F.dropout(self.project(together), p)


# %% exercise="MultiHeadAttention" mistake="keys from the query layer" hint="Queries ask, keys answer"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.query(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
        together = found.transpose(1, 2).reshape(B, T, C)
        return F.dropout(self.project(together), p)


# %% exercise="MultiHeadAttention" mistake="a mask for the first text" hint="others at each call"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def mask(self, T):
        if not hasattr(self, "m"):
            self.m = torch.ones(T, T, dtype=torch.bool).tril()
        return self.m

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(
            query, key, value, dropout_p=p, attn_mask=self.mask(T)
        )
        together = found.transpose(1, 2).reshape(B, T, C)
        return F.dropout(self.project(together), p)


# %% exercise="positional_encoding" mistake="1000 in place of 10000" hint="The rate of clock i"
def positional_encoding(T, channels):
    rates = 1000 ** (-torch.arange(0, channels, 2) / channels)
    angles = torch.arange(T).reshape(T, 1) * rates
    encoding = torch.zeros(T, channels)
    encoding[:, 0::2] = angles.sin()
    encoding[:, 1::2] = angles.cos()
    return encoding


# %% exercise="positional_encoding" mistake="divides by T" hint="changes no rate"
def positional_encoding(T, channels):
    rates = 10000 ** (-torch.arange(0, channels, 2) / T)
    angles = torch.arange(T).reshape(T, 1) * rates
    encoding = torch.zeros(T, channels)
    encoding[:, 0::2] = angles.sin()
    encoding[:, 1::2] = angles.cos()
    return encoding


# %% exercise="positional_encoding" mistake="at most 64 positions" hint="T is how many positions"
def positional_encoding(T, channels):
    rates = 10000 ** (-torch.arange(0, channels, 2) / channels)
    angles = torch.arange(T).clamp(max=63).reshape(T, 1) * rates
    encoding = torch.zeros(T, channels)
    encoding[:, 0::2] = angles.sin()
    encoding[:, 1::2] = angles.cos()
    return encoding


# %% exercise="LayerNorm" mistake="counts the axes from the front" hint="count from the end"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        mean = x.mean(dim=2, keepdim=True)
        variance = x.var(dim=2, correction=0, keepdim=True)
        return (x - mean) / torch.sqrt(variance + self.eps) * self.weight + self.bias


# %% exercise="LayerNorm" mistake="another mean in training" hint="Training and evaluation are alike"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True) if not self.training else x.mean()
        variance = x.var(dim=-1, correction=0, keepdim=True)
        return (x - mean) / torch.sqrt(variance + self.eps) * self.weight + self.bias


# %% exercise="LayerNorm" mistake="variance cut off from the slopes" hint="depend on x as well"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        variance = x.detach().var(dim=-1, correction=0, keepdim=True)
        return (x - mean) / torch.sqrt(variance + self.eps) * self.weight + self.bias


# %% exercise="LayerNorm" mistake="does not take the mean away" hint="The mean is 4"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        variance = x.var(dim=-1, correction=0, keepdim=True)
        return x / torch.sqrt(variance + self.eps) * self.weight + self.bias


# %% exercise="FeedForward" mistake="drops what is hidden, too" hint="neither x nor what is hidden"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        hidden = F.dropout(F.gelu(self.expand(x)), p)
        return F.dropout(self.shrink(hidden), p)


# %% exercise="FeedForward" mistake="drops x, too" hint="neither x nor what is hidden"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        hidden = F.gelu(self.expand(F.dropout(x, p)))
        return F.dropout(self.shrink(hidden), p)


# %% exercise="FeedForward" mistake="drops the result twice" hint="and once"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        hidden = F.gelu(self.expand(x))
        return F.dropout(F.dropout(self.shrink(hidden), p), p)


# %% exercise="FeedForward" mistake="always drops half" hint="Dropout comes last"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        hidden = F.gelu(self.expand(x))
        return F.dropout(self.shrink(hidden), 0.5 if p else 0.0)


# %% exercise="FeedForward" mistake="does not make up for it" hint="makes up for what it drops"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        hidden = F.gelu(self.expand(x))
        y = self.shrink(hidden)
        return y * (torch.rand_like(y) >= p)


# %% exercise="dropout" mistake="drops the positive ones" hint="how large they are"
def dropout(x, p, training=True):
    if not training:
        return x
    stays = torch.rand_like(x) >= p
    stays = stays | (x < 0)
    return x * stays / (1 - p)


# %% exercise="dropout" mistake="only two axes" hint="however many axes"
def dropout(x, p, training=True):
    if not training:
        return x
    stays = torch.rand(x.shape[0], x.shape[1]) >= p
    return x * stays / (1 - p)


# %% exercise="dropout" mistake="a fixed number in each row" hint="left to chance"
def dropout(x, p, training=True):
    if not training:
        return x
    k = round(p * x.shape[-1])
    stays = torch.rand_like(x).argsort(-1) >= k
    return x * stays / (1 - p)


# %% exercise="Block" mistake="drops twice" hint="too much is gone"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.p = dropout
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + F.dropout(self.attention(self.norm1(x)), self.p, self.training)
        return x + F.dropout(self.feed_forward(self.norm2(x)), self.p, self.training)


# %% exercise="Block" mistake="drops feed_forward twice" hint="dropout on to feed_forward"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.p = dropout
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + F.dropout(self.feed_forward(self.norm2(x)), self.p, self.training)


# %% exercise="Block" mistake="drops the stream" hint="never dropped"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.p = dropout
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return F.dropout(x + self.feed_forward(self.norm2(x)), self.p, self.training)


# %% exercise="Block" mistake="drops what attention reads" hint="nothing dropped from it"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.p = dropout
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(F.dropout(self.norm1(x), self.p, self.training))
        return x + self.feed_forward(self.norm2(x))


# %% exercise="Block" mistake="adds the stream twice" hint="Each half ADDS"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + x + self.feed_forward(self.norm2(x))


# %% exercise="Block" mistake="forgets what attention added" hint="stays in the stream"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        y = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(y))


# %% exercise="Block" mistake="always two heads" hint="Hand the number of heads on"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, 2, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


# %% exercise="Block" mistake="cuts the stream off from the slopes" hint="along the stream"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x.detach() + self.feed_forward(self.norm2(x))


# %% exercise="MultiHeadAttention" right="attention by hand, with dropout of its weights"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        scores = torch.einsum("bhtd,bhsd->bhts", query, key) * apart[-1] ** -0.5
        weights = scores.masked_fill(~causal_mask(T), -1e30).softmax(-1)
        found = F.dropout(weights, p) @ value
        together = found.transpose(1, 2).reshape(B, T, C)
        return F.dropout(self.project(together), p)


# %% exercise="MultiHeadAttention" right="head by head"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        parts = zip(
            *(layer(x).chunk(self.heads, dim=-1) for layer in (self.query, self.key, self.value))
        )
        together = torch.cat(
            [F.scaled_dot_product_attention(*part, dropout_p=p, is_causal=True) for part in parts],
            dim=-1,
        )
        return F.dropout(self.project(together), p)


# %% exercise="MultiHeadAttention" right="unflatten, permute and stack"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).unflatten(-1, apart[2:]).permute(0, 2, 1, 3)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
        together = torch.stack([head for head in found.unbind(1)], dim=2).flatten(2)
        return F.dropout(self.project(together), p)


# %% exercise="MultiHeadAttention" right="a module for the dropout"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.drop = nn.Dropout(dropout)
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
        together = found.transpose(1, 2).reshape(B, T, C)
        return self.drop(self.project(together))


# %% exercise="MultiHeadAttention" right="projects each head by its columns"
class MultiHeadAttention(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
        columns = self.project.weight.chunk(self.heads, dim=1)
        return F.dropout(sum(F.linear(found[:, h], columns[h]) for h in range(self.heads)), p)


# %% exercise="positional_encoding" right="loops"
def positional_encoding(T, channels):
    table = []
    for t in range(T):
        row = []
        for i in range(0, channels, 2):
            angle = t / math.pow(10000, i / channels)
            row += [math.sin(angle), math.cos(angle)]
        table.append(row)
    return torch.tensor(table)


# %% exercise="positional_encoding" right="complex hands that turn"
def positional_encoding(T, channels):
    rates = 10000.0 ** (-torch.arange(0, channels, 2, dtype=torch.float64) / channels)
    hands = torch.polar(
        torch.ones(T, channels // 2, dtype=torch.float64), torch.arange(T)[:, None] * rates
    )
    return torch.view_as_real(hands).flip(-1).reshape(T, channels).float()


# %% exercise="positional_encoding" right="a cosine is a shifted sine"
def positional_encoding(T, channels):
    c = torch.arange(channels)
    angles = torch.arange(T)[:, None].double() * 10000.0 ** (-(c - c % 2).double() / channels)
    return torch.sin(angles + (c % 2) * math.pi / 2).float()


# %% exercise="positional_encoding" right="exp of logarithms"
def positional_encoding(T, channels):
    i = torch.arange(0, channels, 2, dtype=torch.float32)
    angles = torch.outer(torch.arange(T).float(), torch.exp(-math.log(10000.0) * i / channels))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


# %% exercise="LayerNorm" right="the square's mean, and rsqrt"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        variance = ((x - mean) ** 2).mean(-1, keepdim=True)
        return (x - mean) * torch.rsqrt(variance + self.eps) * self.weight + self.bias


# %% exercise="LayerNorm" right="position by position"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        rows = []
        for row in x.reshape(-1, x.shape[-1]):
            away = row - row.sum() / len(row)
            rows.append(away / math.sqrt(1) / ((away * away).sum() / len(row) + self.eps).sqrt())
        return (torch.stack(rows) * self.weight + self.bias).reshape(x.shape)


# %% exercise="LayerNorm" right="a product takes the mean away"
class LayerNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        C = x.shape[-1]
        away = x @ (torch.eye(C) - 1 / C)
        variance = away.square().mean(-1, keepdim=True)
        return away / torch.sqrt(variance + self.eps) * self.weight + self.bias


# %% exercise="FeedForward" right="modules for the bend and the dropout"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.bend, self.drop = nn.GELU(), nn.Dropout(dropout)
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        hidden = self.bend(self.expand(x))
        return self.drop(self.shrink(hidden))


# %% exercise="FeedForward" right="GELU by erf"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        z = self.expand(x)
        hidden = z * 0.5 * (1 + torch.erf(z / math.sqrt(2)))
        return F.dropout(self.shrink(hidden), p)


# %% exercise="FeedForward" right="in slices of the hidden layer"
class FeedForward(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        parts = zip(
            self.expand.weight.chunk(4),
            self.expand.bias.chunk(4),
            self.shrink.weight.chunk(4, dim=1),
        )
        y = self.shrink.bias
        for into, bias, out in parts:
            y = y + F.linear(F.gelu(F.linear(x, into, bias)), out)
        return F.dropout(y, p)


# %% exercise="dropout" right="bernoulli"
def dropout(x, p, training=True):
    if not training:
        return x
    stays = torch.bernoulli(torch.full_like(x, 1 - p))
    return x * stays / (1 - p)


# %% exercise="dropout" right="numpy's generator"
def dropout(x, p, training=True):
    if not training:
        return x
    import numpy as np

    goes = torch.from_numpy(np.random.random(tuple(x.shape)) < p)
    return torch.where(goes, 0.0, x / (1 - p))


# %% exercise="dropout" right="number by number"
def dropout(x, p, training=True):
    if not training:
        return x
    import random

    return torch.tensor(
        [0.0 if random.random() < p else value / (1 - p) for value in x.flatten().tolist()]
    ).reshape(x.shape)


# %% exercise="dropout" right="in place on a copy"
def dropout(x, p, training=True):
    if not training:
        return x
    out = x.clone()
    out[torch.empty_like(x).uniform_() < p] = 0
    out /= 1 - p
    return out


# %% exercise="Block" right="a LayerNorm of one's own"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


# %% exercise="Block" right="a loop over the halves"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        for norm, part in ((self.norm1, self.attention), (self.norm2, self.feed_forward)):
            x = torch.add(part(norm(x)), x)
        return x


# %% exercise="Block" right="sums both branches"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        heard = self.attention(self.norm1(x))
        thought = self.feed_forward(self.norm2(x + heard))
        return x + heard + thought


# %% exercise="Block" right="a method for each half, bound late"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)

    def forward(self, x):
        return self.half(self.half(x, "norm1", "attention"), "norm2", "feed_forward")

    def half(self, x, norm, part):
        branch = getattr(self, part)(getattr(self, norm)(x))
        return sum([x, branch])


# %% exercise="Block" right="halves in a list of modules"
class Block(nn.Module):
    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.feed_forward = FeedForward(channels, dropout)
        halves = (
            nn.Sequential(self.norm1, self.attention),
            nn.Sequential(self.norm2, self.feed_forward),
        )
        self.halves = nn.ModuleList(halves)

    def forward(self, x):
        for half in self.halves:
            x = x + half(x)
        return x


# %% exercise="quiz" mistake="a wrong answer" hint="how the channels are cut"
answer_1 = "a"
answer_2 = "c"
answer_3 = "a"
answer_4 = "b"
answer_5 = "a"
answer_6 = "c"
