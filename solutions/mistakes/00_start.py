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


# %% exercise="respond" mistake="puts the whole message into the answer" hint="swap only what comes after the key"
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


# %% exercise="respond" mistake="prints instead of returning" hint="hand the answer back with return"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if key in message:
            before, key, after = message.partition(key)
            print(answer.format(swap(after)))
            return
    return "Please go on."


# %% exercise="respond" mistake="swaps before it looks for a key" hint="look for the key before you swap"
def respond(message, script=DOCTOR):
    message = swap(message.lower().strip(" .!?"))
    for key, answer in script:
        if key in message:
            before, key, after = message.partition(key)
            return answer.format(after)
    return "Please go on."


# %% exercise="respond" mistake="swaps the whole answer" hint="swap only what comes after the key"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if key in message:
            before, key, after = message.partition(key)
            return swap(answer.format(after))
    return "Please go on."


# %% exercise="respond" mistake="takes full stops out of the middle" hint="off the two ends alone"
def respond(message, script=DOCTOR):
    message = message.lower().replace(".", "").strip(" !?")
    for key, answer in script:
        if key in message:
            before, key, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."


# %% exercise="respond" mistake="strips the end alone" hint="strip, not rstrip"
def respond(message, script=DOCTOR):
    message = message.lower().rstrip(" .!?")
    for key, answer in script:
        if key in message:
            before, key, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."


# %% exercise="respond" mistake="looks for the key at the start alone" hint="the key may stand anywhere"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if message.startswith(key):
            before, key, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."


# %% exercise="respond" mistake="takes what comes after the last key" hint="split cuts at the second one too"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if key in message:
            return answer.format(swap(message.split(key)[-1]))
    return "Please go on."


# %% exercise="respond" mistake="stops at the second key" hint="split cuts at the second one too"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if key in message:
            return answer.format(swap(message.split(key)[1]))
    return "Please go on."


# %% exercise="batch_shapes" mistake="returns a list" hint="return a tuple"
def batch_shapes(first, second):
    length = max(len(first), len(second))
    first = (1,) * (length - len(first)) + first
    second = (1,) * (length - len(second)) + second
    shape = []
    for one, other in zip(first, second):
        if one != other and one != 1 and other != 1:
            return None
        shape.append(max(one, other))
    return shape


# %% exercise="batch_shapes" mistake="stretches the first side alone" hint="on whichever side it stands"
def batch_shapes(first, second):
    length = max(len(first), len(second))
    first = (1,) * (length - len(first)) + first
    second = (1,) * (length - len(second)) + second
    shape = []
    for one, other in zip(first, second):
        if one != other and one != 1:
            return None
        shape.append(other)
    return tuple(shape)


# %% exercise="batch_shapes" mistake="lines up from the left" hint="line the shapes up from the right"
def batch_shapes(first, second):
    length = max(len(first), len(second))
    first = first + (1,) * (length - len(first))
    second = second + (1,) * (length - len(second))
    shape = []
    for one, other in zip(first, second):
        if one != other and one != 1 and other != 1:
            return None
        shape.append(max(one, other))
    return tuple(shape)


# %% exercise="batch_shapes" mistake="forgets to make the shapes equally long" hint="put 1s in front of the shorter one"
def batch_shapes(first, second):
    shape = []
    for one, other in zip(first, second):
        if one != other and one != 1 and other != 1:
            return None
        shape.append(max(one, other))
    return tuple(shape)


# %% exercise="batch_shapes" mistake="never says that shapes do not fit" hint="do not fit: return None"
def batch_shapes(first, second):
    length = max(len(first), len(second))
    first = (1,) * (length - len(first)) + first
    second = (1,) * (length - len(second)) + second
    return tuple(max(one, other) for one, other in zip(first, second))


# %% exercise="batch_shapes" mistake="returns inside the loop" hint="after the loop, not inside it"
def batch_shapes(first, second):
    length = max(len(first), len(second))
    first = (1,) * (length - len(first)) + first
    second = (1,) * (length - len(second)) + second
    shape = []
    for one, other in zip(first, second):
        if one != other and one != 1 and other != 1:
            return None
        shape.append(max(one, other))
        return tuple(shape)


# %% exercise="batch_shapes" mistake="refuses equal sizes" hint="equal sizes stay"
def batch_shapes(first, second):
    length = max(len(first), len(second))
    first = (1,) * (length - len(first)) + first
    second = (1,) * (length - len(second)) + second
    shape = []
    for one, other in zip(first, second):
        if one != 1 and other != 1:
            return None
        shape.append(max(one, other))
    return tuple(shape)


# %% exercise="batch_shapes" mistake="gives the sizes from right to left" hint="in the same order"
def batch_shapes(first, second):
    length = max(len(first), len(second))
    first = (1,) * (length - len(first)) + first
    second = (1,) * (length - len(second)) + second
    shape = []
    for one, other in zip(first[::-1], second[::-1]):
        if one != other and one != 1 and other != 1:
            return None
        shape.append(max(one, other))
    return tuple(shape)


# %% exercise="batch_shapes" mistake="stretches a size that divides the other" hint="only a 1 stretches"
def batch_shapes(first, second):
    length = max(len(first), len(second))
    first = (1,) * (length - len(first)) + first
    second = (1,) * (length - len(second)) + second
    shape = []
    for one, other in zip(first, second):
        if max(one, other) % min(one, other) != 0:
            return None
        shape.append(max(one, other))
    return tuple(shape)


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


# %% exercise="one_hot" mistake="compares two rows" hint="make the ids a column first"
def one_hot(ids, V):
    return (ids == torch.arange(V)).float()


# %% exercise="one_hot" mistake="makes numbers of the columns, not of the answers" hint="brackets around the comparison"
def one_hot(ids, V):
    return ids.unsqueeze(1) == torch.arange(V).float()


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


# %% exercise="softmax" mistake="forgets that max gives two things" hint="take its .values"
def softmax(logits):
    positive = (logits - logits.max(dim=-1, keepdim=True)).exp()
    return positive / positive.sum(dim=-1, keepdim=True)


# %% exercise="softmax" mistake="changes the caller's tensor" hint="changes the caller's own tensor"
def softmax(logits):
    logits -= logits.max(dim=-1, keepdim=True).values
    positive = logits.exp()
    return positive / positive.sum(dim=-1, keepdim=True)


# %% exercise="gather_logprobs" mistake="takes all rows for each id" hint="takes all rows for each id"
def gather_logprobs(logprobs, ids):
    return logprobs[:, ids]


# %% exercise="gather_logprobs" mistake="takes whole rows" hint="one number for each row"
def gather_logprobs(logprobs, ids):
    return logprobs[ids % len(logprobs)]


# %% exercise="gather_logprobs" mistake="keeps the dim that gather needs" hint="one number for each row"
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
