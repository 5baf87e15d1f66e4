# %% exercise="lazy_guess" mistake="prints instead of returning" hint="is a `return` missing?"
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


# %% exercise="lazy_guess" right="a space by its number"
lazy_guess = lambda text: chr(32)


# %% exercise="lazy_guess" right="looks it up in a table of one"
class Guesser:
    frequencies = {" ": 0.19, "e": 0.09}

    def __call__(self, text):
        return max(self.frequencies, key=self.frequencies.get)


lazy_guess = Guesser()


# %% exercise="respond" mistake="puts the whole message into the answer" hint="not the whole message"
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


# %% exercise="respond" mistake="always reads DOCTOR" hint="the argument script, not of DOCTOR"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in DOCTOR:
        if key in message:
            before, key, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."


# %% exercise="respond" mistake="prints the answer of a rule" hint="return the answer of the one whose key"
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


# %% exercise="respond" mistake="looks for the key without its space" hint="a key's space is part of it"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if key.strip() in message:
            before, found, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."


# %% exercise="respond" mistake="looks for whole words" hint="knows nothing of words"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if f" {key.strip()} " in f" {message} ":
            before, found, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."


# %% exercise="respond" mistake="strips the answer, not the message" hint="a key's space is part of it"
def respond(message, script=DOCTOR):
    for key, answer in script:
        if key in message.lower():
            before, found, after = message.lower().partition(key)
            return answer.format(swap(after.strip(" .!?")))
    return "Please go on."


# %% exercise="respond" mistake="strips all marks" hint="any other mark stays"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?,;:'\"")
    for key, answer in script:
        if key in message:
            before, found, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."


# %% exercise="respond" mistake="strips spaces, then marks" hint="in any order"
def respond(message, script=DOCTOR):
    message = message.lower().strip().strip(".!?")
    for key, answer in script:
        if key in message:
            before, found, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."


# %% exercise="respond" mistake="reads keys as patterns" hint="a key is plain text"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if re.search(key, message):
            return answer.format(swap(re.split(key, message, maxsplit=1)[1]))
    return "Please go on."


# %% exercise="respond" mistake="the key that stands first in the message wins" hint="wherever its key is"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    found = [(message.index(key), key, answer) for key, answer in script if key in message]
    if not found:
        return "Please go on."
    place, key, answer = min(found)
    return answer.format(swap(message[place + len(key) :]))


# %% exercise="respond" mistake="the longest key wins" hint="however long"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in sorted(script, key=lambda rule: len(rule[0]), reverse=True):
        if key in message:
            before, found, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."


# %% exercise="respond" mistake="keeps what stands before the key" hint="What stands before"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if key in message:
            return answer.format(swap(message.replace(key, "", 1)))
    return "Please go on."


# %% exercise="respond" right="find and slice, from the last rule to the first"
def respond(message, script=DOCTOR):
    for mark in " .!?" * len(message):
        message = message.removeprefix(mark).removesuffix(mark)
    reply, message = "Please go on.", message.casefold()
    for key, answer in reversed(script):
        place = message.find(key)
        if place >= 0:
            reply = answer.replace("{}", swap(message[place + len(key) :]))
    return reply


# %% exercise="respond" right="regular expressions that quote the key"
def respond(message, script=DOCTOR):
    message = re.fullmatch(r"[ .!?]*(.*?)[ .!?]*", message.lower(), re.DOTALL)[1]
    fitting = (
        answer.format(swap(re.split(re.escape(key), message, maxsplit=1)[1]))
        for key, answer in script
        if re.search(re.escape(key), message)
    )
    return next(fitting, "Please go on.")


# %% exercise="respond" right="calls itself with the other rules"
def respond(message, script=DOCTOR):
    message = message.lower().strip("!? .")
    if not script:
        return "Please go on."
    (key, answer), *others = script
    _, *after = message.split(key, 1)
    return answer.format(swap(after[0])) if after else respond(message, others)


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


# %% exercise="batch_shapes" mistake="nothing for two single numbers" hint="Two of them fit"
def batch_shapes(first, second):
    length = max(len(first), len(second))
    first = (1,) * (length - len(first)) + first
    second = (1,) * (length - len(second)) + second
    shape = ()
    for one, other in zip(first, second):
        if one != other and one != 1 and other != 1:
            return None
        shape += (max(one, other),)
    return shape or None


# %% exercise="batch_shapes" mistake="lengthens the second shape alone" hint="whichever it is"
def batch_shapes(first, second):
    second = (1,) * (len(first) - len(second)) + second
    shape = []
    for one, other in zip(first, second):
        if one != other and one != 1 and other != 1:
            return None
        shape.append(max(one, other))
    return tuple(shape)


# %% exercise="batch_shapes" mistake="puts a single 1 in front" hint="until both are equally long"
def batch_shapes(first, second):
    if len(first) < len(second):
        first = (1,) + first
    if len(second) < len(first):
        second = (1,) + second
    shape = []
    for one, other in zip(first, second):
        if one != other and one != 1 and other != 1:
            return None
        shape.append(max(one, other))
    return tuple(shape)


# %% exercise="batch_shapes" mistake="compares the last sizes alone" hint="whichever their place"
def batch_shapes(first, second):
    length = max(len(first), len(second))
    first = (1,) * (length - len(first)) + first
    second = (1,) * (length - len(second)) + second
    if first and first[-1] != second[-1] and 1 not in (first[-1], second[-1]):
        return None
    return tuple(max(one, other) for one, other in zip(first, second))


# %% exercise="batch_shapes" right="asks torch"
def batch_shapes(first, second):
    try:
        return torch.broadcast_shapes(first, second)
    except RuntimeError:
        return None


# %% exercise="batch_shapes" right="from the right, one size after the other"
def batch_shapes(first, second):
    one, other, shape = list(first), list(second), []
    while one or other:
        left, right = one.pop() if one else 1, other.pop() if other else 1
        if left == right or right == 1:
            shape.insert(0, left)
        elif left == 1:
            shape.insert(0, right)
        else:
            return
    return (*shape,)


# %% exercise="batch_shapes" right="calls itself without the last sizes"
def batch_shapes(first, second):
    if not first or not second:
        return first or second
    front = batch_shapes(first[:-1], second[:-1])
    sizes = {first[-1], second[-1]} - {1}
    return None if front is None or len(sizes) > 1 else front + (max(sizes, default=1),)


# %% exercise="batch_shapes" right="adds two tensors and looks"
def batch_shapes(first, second):
    try:
        return (torch.zeros(first) + torch.zeros(second)).shape
    except RuntimeError:
        return None


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


# %% exercise="one_hot" mistake="squeezes the table" hint="do not squeeze it"
def one_hot(ids, V):
    return (ids.unsqueeze(1) == torch.arange(V)).float().squeeze()


# %% exercise="one_hot" mistake="sets every column that occurs, in all rows" hint="row i has its single 1"
def one_hot(ids, V):
    table = torch.zeros(len(ids), V)
    table[:, ids] = 1.0
    return table


# %% exercise="one_hot" mistake="double precision" hint="become float32"
def one_hot(ids, V):
    return (ids.unsqueeze(1) == torch.arange(V)).double()


# %% exercise="one_hot" right="rows of the identity"
def one_hot(ids, V):
    return torch.eye(V)[ids]


# %% exercise="one_hot" right="a loop that writes 1s"
def one_hot(ids, V):
    table = torch.zeros(len(ids), V)
    for row, place in enumerate(ids.tolist()):
        table[row, place] = 1.0
    return table


# %% exercise="one_hot" right="scatter into a table that lies on its side"
def one_hot(ids, V):
    return torch.zeros(V, len(ids)).scatter_(0, ids[None], 1.0).T


# %% exercise="one_hot" right="torch's own, made float"
def one_hot(ids, V):
    return torch.nn.functional.one_hot(ids, V).to(torch.float32)


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


# %% exercise="softmax" mistake="calls torch's" hint="asks you to write softmax yourself"
def softmax(logits):
    return torch.softmax(logits, dim=-1)


# %% exercise="softmax" mistake="subtracts the mean" hint="not its mean"
def softmax(logits):
    positive = (logits - logits.mean(dim=-1, keepdim=True)).exp()
    return positive / positive.sum(dim=-1, keepdim=True)


# %% exercise="softmax" mistake="a loop over rows, of a table only" hint="however many there are"
def softmax(logits):
    if logits.dim() > 1:
        rows = [(row - row.max()).exp() for row in logits]
        return torch.stack([row / row.sum() for row in rows])
    positive = (logits - logits.max()).exp()
    return positive / positive.sum()


# %% exercise="softmax" mistake="powers of two" hint="exp of every logit"
def softmax(logits):
    positive = 2 ** (logits - logits.max(dim=-1, keepdim=True).values)
    return positive / positive.sum(dim=-1, keepdim=True)


# %% exercise="softmax" right="the logarithm of the sum first"
def softmax(logits):
    return (logits - torch.logsumexp(logits, dim=-1, keepdim=True)).exp()


# %% exercise="softmax" right="calls itself for each block"
def softmax(logits):
    if logits.dim() > 1:
        return torch.stack([softmax(block) for block in logits])
    top = max(logits.tolist())
    positive = [math.exp(score - top) for score in logits.tolist()]
    total = math.fsum(positive)
    return torch.tensor([each / total for each in positive])


# %% exercise="softmax" right="in place, on a copy that lies the other way"
def softmax(logits):
    columns = logits.detach().clone().movedim(-1, 0)
    columns -= columns.amax(dim=0)
    columns.exp_()
    columns /= columns.sum(dim=0)
    return columns.movedim(0, -1)


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


# %% exercise="gather_logprobs" mistake="squeezes what gather gives" hint="the shape is still (N,)"
def gather_logprobs(logprobs, ids):
    return logprobs.gather(1, ids.unsqueeze(1)).squeeze()


# %% exercise="gather_logprobs" mistake="a row for each column" hint="row first, then column"
def gather_logprobs(logprobs, ids):
    return logprobs[torch.arange(logprobs.shape[1]), ids]


# %% exercise="gather_logprobs" mistake="gives probabilities" hint="as it is"
def gather_logprobs(logprobs, ids):
    return logprobs[torch.arange(len(ids)), ids].exp()


# %% exercise="gather_logprobs" right="the diagonal of all pairs"
def gather_logprobs(logprobs, ids):
    return logprobs[:, ids].diagonal()


# %% exercise="gather_logprobs" right="a loop over rows"
def gather_logprobs(logprobs, ids):
    return torch.stack([row[i] for row, i in zip(logprobs, ids, strict=True)])


# %% exercise="gather_logprobs" right="places counted through the whole table"
def gather_logprobs(logprobs, ids):
    V = logprobs.shape[1]
    return logprobs.reshape(-1)[torch.arange(0, logprobs.numel(), V) + ids]


# %% exercise="quiz" mistake="confuses the loss with its sum" hint="the loss is its mean"
answer_1 = "b"
answer_2 = "c"
answer_3 = "d"
answer_4 = "a"
answer_5 = "c"
answer_6 = "a"


# %% exercise="respond" mistake="takes the rules out of the script" hint="take rules out of the caller's own script"
def respond(message, script=DOCTOR):
    message = message.lower().strip(" .!?")
    while script:
        key, answer = script.pop(0)
        if key in message:
            return answer.format(swap(message.partition(key)[2]))
    return "Please go on."


# %% exercise="batch_shapes" mistake="leaves out 1s in front" hint="none is left out"
def batch_shapes(first, second):
    try:
        shape = list(torch.broadcast_shapes(first, second))
    except RuntimeError:
        return None
    while shape and shape[0] == 1:
        shape.pop(0)
    return tuple(shape)


# %% exercise="batch_shapes" right="side by side from the right, with zip_longest"
def batch_shapes(first, second):
    from itertools import zip_longest

    shape = []
    for one, other in zip_longest(first[::-1], second[::-1], fillvalue=1):
        if one != other and min(one, other) != 1:
            return None
        shape.insert(0, one * other if 1 in (one, other) else one)
    return tuple(shape)


# %% exercise="one_hot" mistake="turns the caller's ids into a column" hint="unsqueeze_, changes the caller's own tensor"
def one_hot(ids, V):
    ids.unsqueeze_(1)
    return (ids == torch.arange(V)).float()


# %% exercise="one_hot" mistake="a list of rows" hint="torch.tensor(rows)"
def one_hot(ids, V):
    return [[float(column == i) for column in range(V)] for i in ids.tolist()]


# %% exercise="one_hot" right="written in columns, and seen from the side"
def one_hot(ids, V):
    columns = torch.zeros(V, len(ids))
    columns.scatter_(0, ids[None], 1.0)
    return columns.T


# %% exercise="softmax" right="the last dim moved to the front, in place on a copy"
def softmax(logits):
    positive = logits.movedim(-1, 0).clone()
    positive -= positive.amax(0)
    positive.exp_()
    positive /= positive.sum(0)
    return positive.movedim(0, -1)


# %% exercise="gather_logprobs" mistake="a product with one-hot rows" hint="0 times minus infinity is nan"
def gather_logprobs(logprobs, ids):
    return (logprobs * one_hot(ids, logprobs.shape[1])).sum(1)


# %% exercise="gather_logprobs" mistake="changes the table and picks from it" hint="change the caller's own tensor"
def gather_logprobs(logprobs, ids):
    logprobs -= 1
    return logprobs[torch.arange(len(ids)), ids] + 1


# %% exercise="gather_logprobs" mistake="a list of numbers" hint="torch.tensor(numbers)"
def gather_logprobs(logprobs, ids):
    return [row[i].item() for row, i in zip(logprobs, ids)]


# %% exercise="gather_logprobs" right="the places where the row's id is the column's number"
def gather_logprobs(logprobs, ids):
    return logprobs[torch.arange(logprobs.shape[1]) == ids.view(-1, 1)]


# %% exercise="softmax" mistake="prints instead of returning" hint="is a `return` missing?"
def softmax(logits):
    positive = (logits - logits.amax(-1, keepdim=True)).exp()
    print(positive / positive.sum(-1, keepdim=True))


# %% exercise="gather_logprobs" mistake="prints instead of returning" hint="is a `return` missing?"
def gather_logprobs(logprobs, ids):
    print(logprobs[torch.arange(len(ids)), ids])
