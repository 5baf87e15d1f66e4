# %% exercise="lazy_guess" mistake="prints instead of returning" hint="hand the guess back with return"
def lazy_guess(text):
    print(" ")


# %% exercise="lazy_guess" mistake="returns nothing between the quotes" hint="one character between two quotes"
def lazy_guess(text):
    return ""


# %% exercise="lazy_guess" mistake="guesses the most frequent letter" hint="the most frequent character: the space"
def lazy_guess(text):
    return "e"


# %% exercise="lazy_guess" mistake="gives the last character back when there is no space" hint="does not look at the text"
def lazy_guess(text):
    return " " if " " in text else text[-1]


# %% exercise="respond" mistake="puts the whole message into the answer" hint="what comes after the key goes into {}"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if key in message:
            return answer.format(swap(message))
    return "Please go on."


# %% exercise="respond" mistake="does not lower the case" hint="make the message lower case"
def respond(message, script=DOCTOR):
    message = message.strip(" .!?")
    for key, answer in script:
        if key in message:
            before, key, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."


# %% exercise="respond" mistake="leaves the full stop" hint="off both ends"
def respond(message, script=DOCTOR):
    message = message.lower()
    for key, answer in script:
        if key in message:
            before, key, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."


# %% exercise="respond" mistake="gives up after the first rule" hint="comes after the loop, not inside it"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if key in message:
            before, key, after = message.partition(key)
            return answer.format(swap(after))
        return "Please go on."


# %% exercise="respond" mistake="forgets to swap I and you" hint="through swap"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if key in message:
            before, key, after = message.partition(key)
            return answer.format(after)
    return "Please go on."


# %% exercise="respond" mistake="the last rule wins" hint="the first rule of the script that fits wins"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    reply = "Please go on."
    for key, answer in script:
        if key in message:
            before, key, after = message.partition(key)
            reply = answer.format(swap(after))
    return reply


# %% exercise="respond" mistake="says nothing when no rule fits" hint="when no key is in the message"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if key in message:
            before, key, after = message.partition(key)
            return answer.format(swap(after))


# %% exercise="respond" mistake="always reads DOCTOR" hint="the argument script, not over DOCTOR"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in DOCTOR:
        if key in message:
            before, key, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."


# %% exercise="batch_shapes" mistake="returns a list" hint="return a tuple"
def batch_shapes(left, right):
    length = max(len(left), len(right))
    left = (1,) * (length - len(left)) + left
    right = (1,) * (length - len(right)) + right
    shape = []
    for a, b in zip(left, right):
        if a != b and a != 1 and b != 1:
            return None
        shape.append(max(a, b))
    return shape


# %% exercise="batch_shapes" mistake="stretches the left side alone" hint="on whichever side it stands"
def batch_shapes(left, right):
    length = max(len(left), len(right))
    left = (1,) * (length - len(left)) + left
    right = (1,) * (length - len(right)) + right
    shape = []
    for a, b in zip(left, right):
        if a != b and a != 1:
            return None
        shape.append(b)
    return tuple(shape)


# %% exercise="batch_shapes" mistake="lines up from the left" hint="line the shapes up from the right"
def batch_shapes(left, right):
    length = max(len(left), len(right))
    left = left + (1,) * (length - len(left))
    right = right + (1,) * (length - len(right))
    shape = []
    for a, b in zip(left, right):
        if a != b and a != 1 and b != 1:
            return None
        shape.append(max(a, b))
    return tuple(shape)


# %% exercise="batch_shapes" mistake="forgets to make the shapes equally long" hint="put 1s in front of the shorter one"
def batch_shapes(left, right):
    shape = []
    for a, b in zip(left, right):
        if a != b and a != 1 and b != 1:
            return None
        shape.append(max(a, b))
    return tuple(shape)


# %% exercise="batch_shapes" mistake="never says that shapes do not fit" hint="do not fit: return None"
def batch_shapes(left, right):
    length = max(len(left), len(right))
    left = (1,) * (length - len(left)) + left
    right = (1,) * (length - len(right)) + right
    return tuple(max(a, b) for a, b in zip(left, right))


# %% exercise="one_hot" mistake="rows and columns exchanged" hint="one row for each id"
def one_hot(ids, V):
    return (torch.arange(V).unsqueeze(1) == ids).float()


# %% exercise="one_hot" mistake="counts the characters that occur" hint="use V, not the largest id"
def one_hot(ids, V):
    columns = torch.arange(int(ids.max()) + 1)
    return (ids.unsqueeze(1) == columns).float()


# %% exercise="one_hot" mistake="leaves True and False" hint="become float32 with .float()"
def one_hot(ids, V):
    return ids.unsqueeze(1) == torch.arange(V)


# %% exercise="one_hot" mistake="counts columns from 1" hint="ids 0 means the first column"
def one_hot(ids, V):
    return (ids.unsqueeze(1) == torch.arange(1, V + 1)).float()


# %% exercise="one_hot" mistake="drops ids that come back" hint="a row of its own"
def one_hot(ids, V):
    ids = torch.tensor(list(dict.fromkeys(ids.tolist())))
    return (ids.unsqueeze(1) == torch.arange(V)).float()


# %% exercise="softmax" mistake="divides the logits themselves" hint="exp of every logit"
def softmax(logits):
    return logits / logits.sum(dim=-1, keepdim=True)


# %% exercise="softmax" mistake="always adds up along dim 1" hint="dim=-1"
def softmax(logits):
    largest = logits.max(dim=1, keepdim=True).values
    positive = (logits - largest).exp()
    return positive / positive.sum(dim=1, keepdim=True)


# %% exercise="softmax" mistake="one sum for the whole tensor" hint="add up along the last dimension"
def softmax(logits):
    positive = (logits - logits.max()).exp()
    return positive / positive.sum()


# %% exercise="softmax" mistake="adds up along the first dim" hint="add up along the last dimension"
def softmax(logits):
    positive = (logits - logits.max()).exp()
    return positive / positive.sum(dim=0, keepdim=True)


# %% exercise="softmax" mistake="forgets keepdim" hint="keepdim=True"
def softmax(logits):
    positive = (logits - logits.max()).exp()
    return positive / positive.sum(dim=-1)


# %% exercise="softmax" mistake="does not subtract the largest" hint="subtract the largest logit before exp"
def softmax(logits):
    positive = logits.exp()
    return positive / positive.sum(dim=-1, keepdim=True)


# %% exercise="softmax" mistake="subtracts the largest of all rows" hint="from each row its own largest"
def softmax(logits):
    positive = (logits - logits.max()).exp()
    return positive / positive.sum(dim=-1, keepdim=True)


# %% exercise="gather_logprobs" mistake="takes all rows for each id" hint="pair the rows arange(N) with ids"
def gather_logprobs(logprobs, ids):
    return logprobs[:, ids]


# %% exercise="gather_logprobs" mistake="takes whole rows" hint="one number for each row"
def gather_logprobs(logprobs, ids):
    return logprobs[ids % len(logprobs)]


# %% exercise="gather_logprobs" mistake="keeps the dim that gather needs" hint="a squeeze(1) is missing"
def gather_logprobs(logprobs, ids):
    return logprobs.gather(1, ids.unsqueeze(1))


# %% exercise="gather_logprobs" mistake="takes the largest of each row" hint="not the largest"
def gather_logprobs(logprobs, ids):
    return logprobs.max(dim=-1).values


# %% exercise="gather_logprobs" mistake="gives the surprise, not the logarithm" hint="as it is"
def gather_logprobs(logprobs, ids):
    return -logprobs[torch.arange(len(ids)), ids]


# %% exercise="gather_logprobs" mistake="column first, then row" hint="row first, then column"
def gather_logprobs(logprobs, ids):
    return logprobs.T[torch.arange(len(ids)), ids]


# %% exercise="quiz" mistake="confuses the loss with its sum" hint="the loss is its mean"
answer_1 = "b"
answer_2 = "c"
answer_3 = "d"
answer_4 = "a"
answer_5 = "c"
answer_6 = "a"
